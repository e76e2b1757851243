package io.vpasid.pci.emulation;

import static io.vpasid.pci.emulation.RegisterReads.afterAllOnes;
import static io.vpasid.pci.emulation.RegisterReads.assertHex;

import org.junit.jupiter.api.Test;

/// Registers of the standard capabilities against the specification's tables, which are written out
/// here as masks once more.
class StandardRegistersTest {

  // PCI Express, §7.5.3.

  @Test
  void deviceControlStartsWithItsDefaultsAndTakesItsBits() {
    GuestConfigSpace function = Capture.endpoint().u16(0x48, 0x5936).emulated();

    assertHex(function.read(0x48, 2)).isEqualTo(0x2810);
    function.write(0x48, 2, 0x7fff);
    assertHex(function.read(0x48, 2)).isEqualTo(0x7dff);
  }

  @Test
  void deviceControlOfASimpleFunctionHardwiresWhatItLacks() {
    GuestConfigSpace function = Capture.express(0).emulated();

    function.write(0x48, 2, 0xffff);

    assertHex(function.read(0x48, 2)).isEqualTo(0x7c1f);
  }

  @Test
  void deviceStatusClearsOnOne() {
    GuestConfigSpace function = Capture.endpoint().u16(0x4a, 0x0039).emulated();

    assertHex(function.read(0x4a, 2)).isEqualTo(0x0010);
    assertHex(afterAllOnes(function, 0x4a, 2)).isEqualTo(0x0010);
  }

  @Test
  void endpointsLinkControlsHaveTheBitsOfAnUpstreamPort() {
    GuestConfigSpace function = Capture.endpoint().u16(0x52, 0x1084).emulated();

    assertHex(function.read(0x50, 4)).isEqualTo(0x10840000);
    assertHex(afterAllOnes(function, 0x50, 4)).isEqualTo(0x108403cb);
    assertHex(function.read(0x70, 2)).isEqualTo(0x0004);
    assertHex(afterAllOnes(function, 0x70, 2)).isEqualTo(0xffbf);
    assertHex(afterAllOnes(function, 0x58, 4)).isZero();
    assertHex(afterAllOnes(function, 0x5c, 4)).isZero();
  }

  @Test
  void deviceControl2TakesWhatDeviceCapabilities2Offers() {
    GuestConfigSpace function = Capture.endpoint().emulated();

    assertHex(afterAllOnes(function, 0x68, 2)).isEqualTo(0x775f);
    assertHex(afterAllOnes(Capture.express(0).emulated(), 0x68, 2)).isEqualTo(0x0340);
    assertHex(afterAllOnes(Capture.express(1).emulated(), 0x68, 2)).isEqualTo(0x0340);
  }

  @Test
  void rootPortHasLinkSlotAndRootControls() {
    GuestConfigSpace port =
        Capture.express(4)
            .u8(0x0e, 1)
            .u16(0x42, 0x0142)
            .u32(0x4c, 0x00300104)
            .u16(0x50, 0x0008)
            .u32(0x54, 0x0000007f)
            .u16(0x5e, 0x0001)
            .u32(0x64, 0x00000060)
            .emulated();

    assertHex(afterAllOnes(port, 0x50, 2)).isEqualTo(0x0edb);
    assertHex(port.read(0x58, 2)).isEqualTo(0x03c0);
    assertHex(afterAllOnes(port, 0x58, 2)).isEqualTo(0x37ff);
    assertHex(afterAllOnes(port, 0x5a, 2)).isZero();
    assertHex(afterAllOnes(port, 0x5c, 2)).isEqualTo(0x001f);
    assertHex(afterAllOnes(port, 0x68, 2)).isEqualTo(0x03e0);
  }

  @Test
  void eventCollectorHasRootControlAndNoLink() {
    GuestConfigSpace collector = Capture.express(10).emulated();

    assertHex(afterAllOnes(collector, 0x50, 4)).isZero();
    assertHex(afterAllOnes(collector, 0x5c, 2)).isEqualTo(0x000f);
    assertHex(afterAllOnes(collector, 0x70, 4)).isZero();
  }

  @Test
  void versionOneEndsWithItsLastRegister() {
    GuestConfigSpace function =
        Capture.express(0).u16(0x42, 0x0001).u32(0x68, 0x12345678).u32(0x70, 0x5678).emulated();

    assertHex(afterAllOnes(function, 0x68, 4)).isEqualTo(0x12345678);
    assertHex(afterAllOnes(function, 0x70, 4)).isEqualTo(0x5678);
  }

  @Test
  void virtualFunctionLeavesMostToItsPhysicalFunction() {
    GuestConfigSpace vf = Capture.endpoint().emulatedAsVirtual();

    assertHex(afterAllOnes(vf, 0x04, 2)).isEqualTo(0x0004);
    assertHex(afterAllOnes(vf, 0x3c, 1)).isZero();
    vf.write(0x48, 2, 0x7fff);
    assertHex(vf.read(0x48, 2)).isZero();
    assertHex(afterAllOnes(vf, 0x50, 2)).isZero();
    assertHex(afterAllOnes(vf, 0x70, 2)).isZero();
  }

  // Function-level reset, §6.6.2.

  @Test
  void functionLevelResetKeepsWhatTheSpecificationExempts() {
    GuestConfigSpace function =
        Capture.endpoint().extended(0x100, 0x01, 2).emulated(Bar.memory32(0, 4096));
    function.write(0x04, 2, 0x0006);
    function.write(0x10, 4, 0xfebf0000);
    function.write(0x3c, 1, 0x0b);
    function.write(0x48, 2, 0x592f);
    function.write(0x50, 2, 0x0043);
    function.write(0x68, 2, 0x0400);
    function.write(0x70, 2, 0x0003);
    function.write(0x108, 4, 0x00100000);
    function.write(0x10c, 4, 0x00000000);
    function.write(0x114, 4, 0x00000000);

    function.write(0x48, 2, 0xd92f);

    assertHex(function.read(0x04, 2)).isZero();
    assertHex(function.read(0x10, 4)).isZero();
    assertHex(function.read(0x3c, 1)).isZero();
    assertHex(function.read(0x48, 2)).isEqualTo(0x2830);
    assertHex(function.read(0x50, 2)).isEqualTo(0x0043);
    assertHex(function.read(0x68, 2)).isZero();
    assertHex(function.read(0x70, 2)).isEqualTo(0x0003);
    assertHex(function.read(0x108, 4)).isEqualTo(0x00100000);
    assertHex(function.read(0x10c, 4)).isZero();
    assertHex(function.read(0x114, 4)).isZero();
  }

  @Test
  void functionWithoutTheResetHasNoBitForIt() {
    GuestConfigSpace function = Capture.endpoint().u32(0x44, 0x00008022).emulated();
    function.write(0x3c, 1, 0x0b);

    function.write(0x48, 2, 0x8000);

    assertHex(function.read(0x48, 2)).isZero();
    assertHex(function.read(0x3c, 1)).isEqualTo(0x0b);
  }

  @Test
  void advancedFeaturesResetToo() {
    GuestConfigSpace function =
        Capture.conventional().standard(0x50, 0x13).u16(0x52, 0x0306).emulated();
    function.write(0x3c, 1, 0x0b);

    function.write(0x54, 1, 0x01);

    assertHex(function.read(0x3c, 1)).isZero();
    assertHex(function.read(0x54, 2)).isZero();
  }

  // Power management, §7.5.2.

  @Test
  void unsupportedPowerStateIsNotEntered() {
    GuestConfigSpace onlyD1 = Capture.endpoint().standard(0x80, 0x01).u16(0x82, 0x0203).emulated();

    onlyD1.write(0x84, 2, 0x0001);
    assertHex(onlyD1.read(0x84, 2)).isEqualTo(0x0001);
    onlyD1.write(0x84, 2, 0x0002);
    assertHex(onlyD1.read(0x84, 2)).isEqualTo(0x0001);
    onlyD1.write(0x84, 2, 0x0003);
    assertHex(onlyD1.read(0x84, 2)).isEqualTo(0x0003);
  }

  @Test
  void everySupportedPowerStateIsEntered() {
    GuestConfigSpace onlyD2 = Capture.endpoint().standard(0x80, 0x01).u16(0x82, 0x0403).emulated();

    onlyD2.write(0x84, 2, 0x0002);
    onlyD2.write(0x84, 2, 0x0001);
    assertHex(onlyD2.read(0x84, 2)).isEqualTo(0x0002);
    onlyD2.write(0x84, 2, 0x0000);
    onlyD2.write(0x84, 2, 0x0001);
    assertHex(onlyD2.read(0x84, 2)).isEqualTo(0x0000);
  }

  @Test
  void pmeEnableSurvivesTheResetThatPowerUpIs() {
    GuestConfigSpace function =
        Capture.endpoint().standard(0x80, 0x01).u16(0x82, 0xc803).u16(0x84, 0x8103).emulated();
    assertHex(function.read(0x84, 2)).isZero();
    function.write(0x3c, 1, 0x0b);
    function.write(0x84, 2, 0x0103);

    function.write(0x84, 2, 0x0100);

    assertHex(function.read(0x84, 2)).isEqualTo(0x0100);
    assertHex(function.read(0x3c, 1)).isZero();
  }

  @Test
  void noSoftResetKeepsEverythingOverPowerUp() {
    GuestConfigSpace function =
        Capture.endpoint().standard(0x80, 0x01).u16(0x82, 0x0003).u16(0x84, 0x0008).emulated();
    function.write(0x3c, 1, 0x0b);
    function.write(0x84, 2, 0x0003);

    function.write(0x84, 2, 0x0000);

    assertHex(function.read(0x3c, 1)).isEqualTo(0x0b);
    assertHex(afterAllOnes(function, 0x84, 2)).isEqualTo(0x000b);
  }

  // MSI and MSI-X, §7.7.1 and §7.7.2.

  @Test
  void msiOf32BitsHasAddressAndData() {
    GuestConfigSpace function =
        Capture.endpoint().standard(0x90, 0x05).u16(0x92, 0x0001).u32(0x94, 0xfee00000).emulated();

    assertHex(function.read(0x90, 4)).isEqualTo(0x00000005);
    assertHex(function.read(0x94, 4)).isZero();
    assertHex(afterAllOnes(function, 0x92, 2)).isEqualTo(0x0001);
    assertHex(afterAllOnes(function, 0x94, 4)).isEqualTo(0xfffffffc);
    assertHex(afterAllOnes(function, 0x98, 4)).isEqualTo(0x0000ffff);
  }

  @Test
  void msiOf64BitsWithMasksHasOnePerVector() {
    GuestConfigSpace function =
        Capture.endpoint().standard(0x90, 0x05).u16(0x92, 0x0186).u32(0xa4, 0xff).emulated();

    assertHex(afterAllOnes(function, 0x92, 2)).isEqualTo(0x01b7);
    assertHex(afterAllOnes(function, 0x98, 4)).isEqualTo(-1);
    assertHex(afterAllOnes(function, 0x9c, 4)).isEqualTo(0x0000ffff);
    assertHex(afterAllOnes(function, 0xa0, 4)).isEqualTo(0x000000ff);
    assertHex(afterAllOnes(function, 0xa4, 4)).isZero();
  }

  @Test
  void msiWith32BitsAndMasksHasThemBehindTheData() {
    GuestConfigSpace function =
        Capture.endpoint().standard(0x90, 0x05).u16(0x92, 0x070a).emulated();

    assertHex(afterAllOnes(function, 0x92, 2)).isEqualTo(0x075b | 0x0400);
    assertHex(afterAllOnes(function, 0x98, 4)).isEqualTo(-1);
    assertHex(afterAllOnes(function, 0x9c, 4)).isEqualTo(-1);
    assertHex(afterAllOnes(function, 0xa0, 4)).isZero();
  }

  @Test
  void multipleMessageEnableNeverExceedsWhatIsCapable() {
    GuestConfigSpace function =
        Capture.endpoint().standard(0x90, 0x05).u16(0x92, 0x0084).emulated();

    function.write(0x92, 2, 0x0011);
    assertHex(function.read(0x92, 2)).isEqualTo(0x0095);
    function.write(0x92, 2, 0x0051);
    assertHex(function.read(0x92, 2)).isEqualTo(0x00a5);
  }

  @Test
  void msixHasEnableAndFunctionMask() {
    GuestConfigSpace function =
        Capture.endpoint().standard(0x90, 0x11).u16(0x92, 0x801f).u32(0x94, 0x2004).emulated();

    assertHex(function.read(0x92, 2)).isEqualTo(0x001f);
    assertHex(afterAllOnes(function, 0x92, 2)).isEqualTo(0xc01f);
    assertHex(afterAllOnes(function, 0x94, 4)).isEqualTo(0x2004);
  }

  // Other standard capabilities.

  @Test
  void vpdTransfersAreOverAtOnce() {
    GuestConfigSpace function = Capture.endpoint().standard(0x90, 0x03).emulated();

    function.write(0x92, 2, 0x0000);
    int afterRead = function.read(0x92, 2);
    function.write(0x94, 4, 0x12345678);
    function.write(0x92, 2, 0x8004);

    assertHex(afterRead).isEqualTo(0x8000);
    assertHex(function.read(0x92, 2)).isEqualTo(0x0004);
    assertHex(function.read(0x94, 4)).isEqualTo(0x12345678);
  }

  @Test
  void pciXCommandAndStatus() {
    GuestConfigSpace function =
        Capture.conventional().standard(0x90, 0x07).u32(0x94, 0x200c0008).emulated();

    assertHex(function.read(0x92, 2)).isEqualTo(0x0002);
    assertHex(afterAllOnes(function, 0x92, 2)).isEqualTo(0x007f);
    assertHex(function.read(0x94, 4)).isEqualTo(0x00000008);
  }

  @Test
  void writableEntriesOfEnhancedAllocationTakeAnAddress() {
    GuestConfigSpace function =
        Capture.endpoint()
            .standard(0x90, 0x14)
            .u8(0x92, 2)
            .u32(0x94, 0xc0000013)
            .u32(0x98, 0xfe000002)
            .u32(0x9c, 0x0000fffc)
            .u32(0xa4, 0x80000102)
            .u32(0xa8, 0xfd000000)
            .emulated();

    assertHex(function.read(0x94, 4)).isEqualTo(0xc0000013);
    function.write(0x97, 1, 0x00);
    assertHex(function.read(0x94, 4)).isEqualTo(0x40000013);
    assertHex(afterAllOnes(function, 0x98, 4)).isEqualTo(0xfffffffe);
    assertHex(afterAllOnes(function, 0x9c, 4)).isEqualTo(0xfffffffc);
    assertHex(afterAllOnes(function, 0xa0, 4)).isEqualTo(-1);
    assertHex(afterAllOnes(function, 0xa8, 4)).isEqualTo(0xfd000000);
    assertHex(afterAllOnes(function, 0x04, 2)).isEqualTo(0x0146);
  }
}
