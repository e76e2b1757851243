package io.vpasid.synth;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class HardwareInfoTest {

  @Test
  void readsWidthAndPermissions() {
    assertThat(HardwareInfo.parse("width=20,priv"))
        .isEqualTo(new HardwareInfo(20, false, true, true));
    assertThat(HardwareInfo.parse("exec,width=5,no-ats"))
        .isEqualTo(new HardwareInfo(5, true, false, false));
    assertThat(HardwareInfo.parse("none")).isEqualTo(HardwareInfo.NONE);
  }

  @ParameterizedTest
  @ValueSource(strings = {"none", "width=20", "width=1,exec,priv,no-ats", "width=0,exec"})
  void writesWhatItReads(String text) {
    assertThat(HardwareInfo.parse(text)).hasToString(text);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "20", "width=21", "width=-1", "width=20,", "width=x", "priv", "nope"})
  void saysWhatIsWrongAndWhatToWrite(String text) {
    assertThatThrownBy(() -> HardwareInfo.parse(text))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("'" + text + "'")
        .hasMessageContaining("width=N");
  }
}
