package io.vpasid.synth.quirk;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class ClassPatternTest {
  private static final ClassPattern VGA = new ClassPattern(0x030000, 0xffff00);
  private static final ClassPattern DISPLAY = new ClassPattern(0x030000, 0xff0000);

  @Test
  void freeDigitsMatchAnything() {
    assertThat(VGA.matches(0x030000)).isTrue();
    assertThat(VGA.matches(0x0300ff)).isTrue();
    assertThat(VGA.matches(0x030200)).isFalse();
  }

  @Test
  void aPatternContainsTheNarrowerOne() {
    assertThat(DISPLAY.contains(VGA)).isTrue();
    assertThat(VGA.contains(DISPLAY)).isFalse();
    assertThat(VGA.contains(VGA)).isTrue();
    assertThat(VGA.contains(new ClassPattern(0x020000, 0xffffff))).isFalse();
  }

  @Test
  void printsAsItIsWritten() {
    assertThat(VGA).hasToString("0x0300xx");
    assertThat(new ClassPattern(0x00000a, 0x00000f)).hasToString("0xxxxxxa");
  }

  @Test
  void aMaskThroughADigitIsRefused() {
    assertThatThrownBy(() -> new ClassPattern(0, 0x000007))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> new ClassPattern(0x01, 0xff0000))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> new ClassPattern(0, 0xf000000))
        .isInstanceOf(IllegalArgumentException.class);
  }
}
