package io.vpasid.synth;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.vpasid.pci.ConfigSpace;
import org.junit.jupiter.api.Test;

/// Bits of the register dword as PCI Express Base Specification 7.0, section 7.8.9, has them.
class PasidCapabilityTest {
  private static final int ENABLE = 0x0001_0000;
  private static final int EXEC = 0x0002_0000;
  private static final int PRIV = 0x0004_0000;

  @Test
  void widthIs1To20() {
    assertThat(new PasidCapability(1, false, false).registers()).isEqualTo(0x0100);
    assertThat(new PasidCapability(20, true, true).registers()).isEqualTo(0x1406);
    assertThatIllegalArgumentException().isThrownBy(() -> new PasidCapability(0, false, false));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new PasidCapability(21, false, false))
        .withMessage("A PASID has 1 to 20 bits, not 21");
  }

  @Test
  void eachEnableBitIsReadByItself() {
    assertThat(PasidCapability.isEnabled(ENABLE)).isTrue();
    assertThat(PasidCapability.isEnabled(~ENABLE)).isFalse();
    assertThat(PasidCapability.isExecEnabled(EXEC)).isTrue();
    assertThat(PasidCapability.isExecEnabled(~EXEC)).isFalse();
    assertThat(PasidCapability.isPrivEnabled(PRIV)).isTrue();
    assertThat(PasidCapability.isPrivEnabled(~PRIV)).isFalse();
  }

  @Test
  void permissionsAreFixedWhilePasidStaysEnabled() {
    assertThat(PasidCapability.isRefused(ENABLE, ENABLE | EXEC)).isTrue();
    assertThat(PasidCapability.isRefused(ENABLE | PRIV, ENABLE)).isTrue();
    assertThat(PasidCapability.isRefused(ENABLE, EXEC)).isFalse();
    assertThat(PasidCapability.isRefused(0, ENABLE | EXEC)).isFalse();
  }

  @Test
  void readsWhatADeviceSupports() {
    byte[] bytes = new byte[4096];
    bytes[0x204] = 0x02;
    bytes[0x205] = (byte) 0xf0; // the width, under 3 reserved bits
    bytes[0x206] = 0x07;

    assertThat(PasidCapability.supportedAt(ConfigSpace.of(bytes), 0x200))
        .isEqualTo(new HardwareInfo(16, true, false, true));

    bytes[0x204] = 0x04;
    assertThat(PasidCapability.supportedAt(ConfigSpace.of(bytes), 0x200))
        .isEqualTo(new HardwareInfo(16, false, true, true));
  }

  @Test
  void isWordedAsLspciDoes() {
    assertThat(new PasidCapability(20, false, true))
        .hasToString("Max PASID Width: 20, Exec-, Priv+");
    assertThat(new PasidCapability(8, true, false)).hasToString("Max PASID Width: 8, Exec+, Priv-");
  }
}
