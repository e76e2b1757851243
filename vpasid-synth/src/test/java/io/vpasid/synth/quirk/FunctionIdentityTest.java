package io.vpasid.synth.quirk;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vpasid.pci.PciAddress;
import io.vpasid.pci.PciId;
import io.vpasid.pci.dump.HostFunction;
import org.junit.jupiter.api.Test;

class FunctionIdentityTest {
  private static final PciAddress ADDRESS = new PciAddress(0, 0x3b, 0, 0);

  @Test
  void theRegistersOfAnEndpointSayWhatItIs() {
    FunctionIdentity identity =
        FunctionIdentity.of(
            QuirkFiles.space(0x00, 0x20b010de, 0x08, 0x030200a1, 0x2c, 0x134f10de),
            FunctionKind.PHYSICAL);

    assertThat(identity)
        .isEqualTo(
            new FunctionIdentity(
                new PciId(0x10de, 0x20b0),
                new PciId(0x10de, 0x134f),
                0x030200,
                0xa1,
                FunctionKind.PHYSICAL))
        .hasToString(
            "10de:20b0, subsystem 10de:134f, class 030200, revision a1, physical function");
  }

  @Test
  void aBridgeHasNoSubsystemRegisters() {
    FunctionIdentity identity =
        FunctionIdentity.of(
            QuirkFiles.space(
                0x00, 0x20b010de, 0x08, 0x06040000, 0x0c, 0x00010000, 0x2c, 0x134f10de),
            FunctionKind.PHYSICAL);

    assertThat(identity.subsystem()).isEqualTo(FunctionIdentity.NO_SUBSYSTEM);
    assertThat(identity).hasToString("10de:20b0, class 060400, revision 00, physical function");
  }

  @Test
  void aCaptureWhoseIdsReadAsOnesIsAVirtualFunction() {
    HostFunction capture =
        new HostFunction(
            ADDRESS,
            "Ethernet controller [0200]: Device [8086:1520]",
            QuirkFiles.space(0x00, 0xffffffff));

    FunctionIdentity identity = FunctionIdentity.of(capture);

    assertThat(identity.id()).isEqualTo(new PciId(0x8086, 0x1520));
    assertThat(identity.kind()).isEqualTo(FunctionKind.VIRTUAL);
  }

  @Test
  void anyOtherCaptureIsAPhysicalFunction() {
    HostFunction capture = new HostFunction(ADDRESS, "", QuirkFiles.space(0x00, 0x15218086));

    assertThat(FunctionIdentity.of(capture).kind()).isEqualTo(FunctionKind.PHYSICAL);
  }

  @Test
  void numbersThatDoNotFitTheirRegistersAreRefused() {
    PciId id = new PciId(1, 2);

    assertThatThrownBy(() -> new FunctionIdentity(id, id, 0x1000000, 0, FunctionKind.PHYSICAL))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> new FunctionIdentity(id, id, 0, 0x100, FunctionKind.PHYSICAL))
        .isInstanceOf(IllegalArgumentException.class);
  }
}
