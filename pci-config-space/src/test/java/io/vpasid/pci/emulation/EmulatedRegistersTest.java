package io.vpasid.pci.emulation;

import static io.vpasid.pci.emulation.RegisterReads.afterAllOnes;
import static io.vpasid.pci.emulation.RegisterReads.assertHex;
import static org.assertj.core.api.Assertions.assertThat;

import io.vpasid.pci.ConfigSpace;
import io.vpasid.pci.capability.CapabilityChain;
import io.vpasid.pci.capability.CapabilityId;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

/// Registers against the specification's tables, which are written out here as masks once more.
class EmulatedRegistersTest {

  // Headers.

  @Test
  void endpointsCommandHasTheBitsOfWhatItDecodes() {
    GuestConfigSpace nothing = Capture.endpoint().emulated();
    GuestConfigSpace memory = Capture.endpoint().u8(0x3d, 1).emulated(Bar.memory32(0, 4096));
    GuestConfigSpace io = Capture.endpoint().emulated(Bar.io(0, 256));

    assertHex(memory.read(0x04, 2)).isZero();
    assertHex(afterAllOnes(nothing, 0x04, 2)).isEqualTo(0x0144);
    assertHex(afterAllOnes(memory, 0x04, 2)).isEqualTo(0x0546);
    assertHex(afterAllOnes(io, 0x04, 2)).isEqualTo(0x0145);
  }

  @Test
  void conventionalFunctionsCommandAndLatencyTimerHaveMoreBits() {
    GuestConfigSpace vga =
        Capture.conventional().u32(0x08, 0x03000000).u8(0x3d, 1).emulated(Bar.io(0, 256));

    assertHex(afterAllOnes(vga, 0x04, 2)).isEqualTo(0x0775);
    assertHex(afterAllOnes(Capture.conventional().emulated(), 0x04, 2)).isEqualTo(0x0354);
    assertHex(afterAllOnes(vga, 0x0d, 1)).isEqualTo(0xff);
    assertHex(afterAllOnes(Capture.endpoint().emulated(), 0x0d, 1)).isZero();
  }

  @Test
  void statusHasNoErrorsAndKeepsWhatTheDeviceIs() {
    GuestConfigSpace function = Capture.endpoint().u16(0x06, 0xf918).emulated();

    assertHex(function.read(0x06, 2)).isEqualTo(0x0010);
    assertHex(afterAllOnes(function, 0x06, 2)).isEqualTo(0x0010);
  }

  @Test
  void interruptAndCacheLineAreScratch() {
    GuestConfigSpace function =
        Capture.endpoint().u8(0x0c, 0x10).u8(0x3c, 0x0b).u8(0x3d, 2).emulated();

    assertHex(function.read(0x3c, 2)).isEqualTo(0x0200);
    assertHex(afterAllOnes(function, 0x3c, 4)).isEqualTo(0x02ff);
    assertHex(afterAllOnes(function, 0x0c, 1)).isEqualTo(0xff);
  }

  @Test
  void identityIsReadOnly() {
    GuestConfigSpace function = Capture.endpoint().u32(0x2c, 0x00011af4).u32(0x28, 0x55).emulated();

    assertHex(afterAllOnes(function, 0x00, 4)).isEqualTo(0x12341af4);
    assertHex(afterAllOnes(function, 0x08, 4)).isEqualTo(0x02000001);
    assertHex(afterAllOnes(function, 0x0e, 2)).isZero();
    assertHex(afterAllOnes(function, 0x28, 4)).isEqualTo(0x55);
    assertHex(afterAllOnes(function, 0x2c, 4)).isEqualTo(0x00011af4);
    assertHex(afterAllOnes(function, 0x34, 4)).isEqualTo(0x40);
  }

  @Test
  void bridgeHasWindowsOfTheKindThatWasCaptured() {
    GuestConfigSpace bridge =
        Capture.express(4)
            .u8(0x0e, 1)
            .u32(0x18, 0x00020201)
            .u16(0x1c, 0x1111)
            .u32(0x24, 0x10011001)
            .emulated();

    assertHex(bridge.read(0x18, 4)).isZero();
    assertHex(afterAllOnes(bridge, 0x18, 4)).isEqualTo(0x00ffffff);
    assertHex(afterAllOnes(bridge, 0x1c, 4)).isEqualTo(0x0000f1f1);
    assertHex(afterAllOnes(bridge, 0x20, 4)).isEqualTo(0xfff0fff0);
    assertHex(afterAllOnes(bridge, 0x24, 4)).isEqualTo(0xfff1fff1);
    assertHex(afterAllOnes(bridge, 0x28, 4)).isEqualTo(-1);
    assertHex(afterAllOnes(bridge, 0x2c, 4)).isEqualTo(-1);
    assertHex(afterAllOnes(bridge, 0x30, 4)).isEqualTo(-1);
    assertHex(afterAllOnes(bridge, 0x3e, 2)).isEqualTo(0x005f);
    assertHex(afterAllOnes(bridge, 0x04, 2)).isEqualTo(0x0547);
  }

  @Test
  void bridgeWithoutPrefetchableAndIoWindowsHasNone() {
    GuestConfigSpace bridge = Capture.express(4).u8(0x0e, 1).emulated();

    assertHex(afterAllOnes(bridge, 0x1c, 2)).isZero();
    assertHex(afterAllOnes(bridge, 0x24, 4)).isZero();
    assertHex(afterAllOnes(bridge, 0x28, 4)).isZero();
    assertHex(afterAllOnes(bridge, 0x30, 4)).isZero();
  }

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

  @Test
  void resetThatTheGuestMakesIsHeard() {
    int[] resets = {0};
    ConfigSpace captured = Capture.endpoint().config();
    GuestConfigSpace function =
        EmulatedRegisters.ofFunction(captured, List.of())
            .applyTo(GuestConfigSpace.over(DeviceConfig.readOnly(captured)))
            .onReset(() -> resets[0]++)
            .build();

    function.write(0x48, 4, 0x00002810);
    function.write(0x49, 1, 0x80);

    assertThat(resets[0]).isEqualTo(1);
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

  // Advanced error reporting, §7.8.4.

  @Test
  void errorRegistersHaveTheDefaultsOfTheSpecification() {
    GuestConfigSpace function =
        Capture.endpoint()
            .extended(0x100, 0x01, 2)
            .u32(0x104, 0x00100000)
            .u32(0x108, 0x00010000)
            .u32(0x110, 0x00002001)
            .u32(0x118, 0x000000b4)
            .u32(0x11c, 0x04000001)
            .emulated();

    assertHex(function.read(0x104, 4)).isZero();
    assertHex(function.read(0x108, 4)).isEqualTo(0x00400000);
    assertHex(function.read(0x10c, 4)).isEqualTo(0x00462010);
    assertHex(function.read(0x110, 4)).isZero();
    assertHex(function.read(0x114, 4)).isEqualTo(0x0000e000);
    assertHex(function.read(0x118, 4)).isEqualTo(0x000000a0);
    assertHex(function.read(0x11c, 4)).isZero();
  }

  @Test
  void errorMasksHaveABitPerErrorThatTheFunctionDetects() {
    GuestConfigSpace function =
        Capture.endpoint().extended(0x100, 0x01, 2).u32(0x118, 0x000002a0).emulated();

    assertHex(afterAllOnes(function, 0x104, 4)).isZero();
    assertHex(afterAllOnes(function, 0x108, 4)).isEqualTo(0x025ff010);
    assertHex(afterAllOnes(function, 0x10c, 4)).isEqualTo(0x025ff010);
    assertHex(afterAllOnes(function, 0x114, 4)).isEqualTo(0x0000f1c1);
    assertHex(afterAllOnes(function, 0x118, 4)).isEqualTo(0x000007e0);
    assertHex(afterAllOnes(function, 0x11c, 4)).isZero();
  }

  @Test
  void otherCapabilitiesBringTheirErrors() {
    GuestConfigSpace function =
        Capture.express(0)
            .extended(0x100, 0x01, 1)
            .extended(0x140, 0x0d, 1)
            .extended(0x150, 0x12, 1)
            .extended(0x180, 0x30, 1)
            .u32(0x184, 0x20)
            .emulated();

    assertHex(afterAllOnes(function, 0x108, 4)).isEqualTo(0x70f7f010);
  }

  @Test
  void integratedEndpointHasNoLinkErrors() {
    GuestConfigSpace function = Capture.express(9).extended(0x100, 0x01, 1).emulated();

    assertHex(afterAllOnes(function, 0x108, 4)).isEqualTo(0x0055d000);
    assertHex(afterAllOnes(function, 0x114, 4)).isEqualTo(0x0000e000);
  }

  @Test
  void eventCollectorHasRootErrorRegisters() {
    GuestConfigSpace collector =
        Capture.express(10)
            .extended(0x100, 0x01, 1)
            .u32(0x130, 0x0800007f)
            .u32(0x134, 0x00010002)
            .emulated();

    assertHex(afterAllOnes(collector, 0x12c, 4)).isEqualTo(0x7);
    assertHex(collector.read(0x130, 4)).isEqualTo(0x08000000);
    assertHex(afterAllOnes(collector, 0x134, 4)).isZero();
  }

  // Virtualization.

  @Test
  void atsTakesEnableAndStu() {
    GuestConfigSpace function =
        Capture.endpoint().extended(0x100, 0x0f, 1).u32(0x104, 0x80050060).emulated();

    assertHex(function.read(0x104, 4)).isEqualTo(0x00000060);
    assertHex(afterAllOnes(function, 0x104, 4)).isEqualTo(0x801f0060);
  }

  @Test
  void pageRequestInterfaceStopsAndStarts() {
    GuestConfigSpace function =
        Capture.endpoint()
            .extended(0x100, 0x13, 1)
            .u32(0x104, 0x80030001)
            .u32(0x108, 0x200)
            .u32(0x10c, 0x80)
            .emulated();

    assertHex(function.read(0x104, 4)).isEqualTo(0x81000000);
    assertHex(function.read(0x10c, 4)).isZero();
    function.write(0x104, 2, 0x0001);
    assertHex(function.read(0x104, 4)).isEqualTo(0x80000001);
    function.write(0x104, 2, 0x0002);
    assertHex(function.read(0x104, 4)).isEqualTo(0x81000000);
    assertHex(afterAllOnes(function, 0x108, 4)).isEqualTo(0x200);
    assertHex(afterAllOnes(function, 0x10c, 4)).isEqualTo(-1);
  }

  @Test
  void pasidControlTakesWhatTheCapabilityOffers() {
    GuestConfigSpace function =
        Capture.endpoint().extended(0x100, 0x1b, 1).u32(0x104, 0x00051404).emulated();

    assertHex(function.read(0x104, 4)).isEqualTo(0x00001404);
    function.write(0x106, 2, 0x000f);
    assertHex(function.read(0x106, 2)).isEqualTo(0x0005);
    function.write(0x106, 2, 0x0001);
    assertHex(function.read(0x106, 2)).isEqualTo(0x0005);
    function.write(0x106, 2, 0x0000);
    assertHex(function.read(0x106, 2)).isZero();
  }

  @Test
  void numVfsAndPageSizeStayInWhatIsSupported() {
    GuestConfigSpace function =
        Capture.endpoint()
            .extended(0x100, 0x10, 1)
            .u32(0x104, 0x00000002)
            .u32(0x108, 0x00000019)
            .u32(0x10c, 0x00080008)
            .u32(0x110, 0x00010004)
            .u32(0x114, 0x00010080)
            .u32(0x11c, 0x00000553)
            .u32(0x120, 0x00000010)
            .emulated();

    assertHex(function.read(0x108, 4)).isZero();
    assertHex(afterAllOnes(function, 0x108, 4)).isEqualTo(0x00000019);
    function.write(0x110, 2, 8);
    function.write(0x110, 2, 9);
    assertHex(function.read(0x110, 4)).isEqualTo(0x00010008);
    assertHex(function.read(0x120, 4)).isEqualTo(0x00000001);
    function.write(0x120, 4, 0x00000400);
    function.write(0x120, 4, 0x00000003);
    function.write(0x120, 4, 0x00000004);
    assertHex(function.read(0x120, 4)).isEqualTo(0x00000400);
    assertHex(afterAllOnes(function, 0x114, 4)).isEqualTo(0x00010080);

    function.write(0x48, 2, 0x8000);

    assertHex(function.read(0x108, 4)).isEqualTo(0x00000010);
    assertHex(function.read(0x110, 2)).isZero();
  }

  @Test
  void accessControlTakesWhatIsOffered() {
    GuestConfigSpace function =
        Capture.endpoint().extended(0x100, 0x0d, 1).u32(0x104, 0x005d285f).emulated();

    assertHex(function.read(0x104, 4)).isEqualTo(0x0000285f);
    assertHex(afterAllOnes(function, 0x104, 4)).isEqualTo(0x005f285f);
  }

  @Test
  void egressControlVectorHasTheSizeThatTheCapabilitySays() {
    GuestConfigSpace function =
        Capture.express(4).extended(0x100, 0x0d, 1).u32(0x104, 0x00002820).emulated();

    assertHex(afterAllOnes(function, 0x108, 4)).isEqualTo(-1);
    assertHex(afterAllOnes(function, 0x10c, 4)).isEqualTo(0x000000ff);
  }

  @Test
  void ariTakesTheGroupsThatExist() {
    GuestConfigSpace plain = Capture.endpoint().extended(0x100, 0x0e, 1).emulated();
    GuestConfigSpace grouped =
        Capture.endpoint().extended(0x100, 0x0e, 1).u32(0x104, 0x00000102).emulated();

    assertHex(afterAllOnes(plain, 0x104, 4)).isZero();
    assertHex(afterAllOnes(grouped, 0x104, 4)).isEqualTo(0x00720102);
  }

  // Power and link.

  @Test
  void latencyToleranceIsTwoLimits() {
    GuestConfigSpace function =
        Capture.endpoint().extended(0x100, 0x18, 1).u32(0x104, 0x10031003).emulated();

    assertHex(function.read(0x104, 4)).isZero();
    assertHex(afterAllOnes(function, 0x104, 4)).isEqualTo(0x1fff1fff);
    function.reset();
    assertHex(function.read(0x104, 4)).isEqualTo(0x1fff1fff);
  }

  @Test
  void l1SubstatesOfAnEndpointLeaveTheRestoreTimeToThePort() {
    GuestConfigSpace function =
        Capture.endpoint()
            .extended(0x100, 0x1e, 1)
            .u32(0x104, 0x0028321f)
            .u32(0x108, 0x4065320f)
            .u32(0x10c, 0x00000028)
            .emulated();

    assertHex(afterAllOnes(function, 0x108, 4)).isEqualTo(0xe3ff000f);
    assertHex(function.read(0x10c, 4)).isEqualTo(0x28);
    assertHex(afterAllOnes(function, 0x10c, 4)).isEqualTo(0xfb);
  }

  @Test
  void precisionTimeTakesEnableAndGranularity() {
    GuestConfigSpace function =
        Capture.endpoint().extended(0x100, 0x1f, 1).u32(0x104, 0x00000a01).emulated();

    assertHex(afterAllOnes(function, 0x108, 4)).isEqualTo(0x0000ff01);
  }

  @Test
  void virtualChannelZeroIsAlwaysThere() {
    GuestConfigSpace function =
        Capture.endpoint()
            .extended(0x100, 0x02, 1)
            .u32(0x104, 0x00000001)
            .u32(0x114, 0x800000ff)
            .u32(0x120, 0x81000002)
            .emulated();

    assertHex(afterAllOnes(function, 0x10c, 2)).isEqualTo(0x000e);
    assertHex(function.read(0x114, 4)).isEqualTo(0x800000ff);
    function.write(0x114, 4, 0);
    assertHex(function.read(0x114, 4)).isEqualTo(0x80000001);
    assertHex(function.read(0x120, 4)).isZero();
    assertHex(afterAllOnes(function, 0x120, 4)).isEqualTo(0x870e00fe);
    function.reset();
    assertHex(function.read(0x120, 4)).isEqualTo(0x870e00fe);
  }

  @Test
  void substateStatusFollowsItsControlWhileEnabled() {
    GuestConfigSpace function =
        Capture.endpoint().extended(0x100, 0x16, 1).u32(0x104, 0x00000003).emulated();

    assertHex(function.read(0x10c, 4)).isEqualTo(0x00000100);
    function.write(0x10e, 2, 0x0002);
    assertHex(function.read(0x10c, 4)).isEqualTo(0x00020102);
    function.write(0x10e, 2, 0x0004);
    assertHex(function.read(0x10c, 4)).isEqualTo(0x00020102);
    function.write(0x10e, 2, 0x0003);
    assertHex(function.read(0x10c, 4)).isEqualTo(0x00030103);
    function.write(0x10c, 2, 0x0100);
    function.write(0x10e, 2, 0x0001);
    assertHex(function.read(0x10c, 4)).isEqualTo(0x00010003);
  }

  @Test
  void steeringTagsAreInTheTableThatTheCapabilityHas() {
    GuestConfigSpace function =
        Capture.endpoint().extended(0x100, 0x17, 1).u32(0x104, 0x00020205).emulated();

    function.write(0x108, 4, 0x00000101);
    assertHex(function.read(0x108, 4)).isEqualTo(0x00000100);
    function.write(0x108, 4, 0x00000202);
    assertHex(function.read(0x108, 4)).isEqualTo(0x00000002);
    assertHex(afterAllOnes(function, 0x10c, 4)).isEqualTo(0x00ff00ff);
    assertHex(afterAllOnes(function, 0x110, 4)).isEqualTo(0x000000ff);
  }

  @Test
  void steeringTagsMayBeExtendedButNotReserved() {
    GuestConfigSpace function =
        Capture.endpoint().extended(0x100, 0x17, 1).u32(0x104, 0x00020307).emulated();

    function.write(0x108, 4, 0x00000302);
    assertHex(function.read(0x108, 4)).isEqualTo(0x00000302);
    function.write(0x108, 4, 0x00000201);
    assertHex(function.read(0x108, 4)).isEqualTo(0x00000301);
    function.write(0x108, 4, 0x00000103);
    assertHex(function.read(0x108, 4)).isEqualTo(0x00000101);
    function.write(0x108, 4, 0x00000000);
    assertHex(function.read(0x108, 4)).isZero();
    assertHex(afterAllOnes(function, 0x10c, 4)).isEqualTo(-1);
  }

  @Test
  void laneErrorsAreOnePerLane() {
    GuestConfigSpace function =
        Capture.endpoint()
            .u32(0x6c, 0x00001e1e)
            .extended(0x100, 0x19, 1)
            .u32(0x108, 0x000000ff)
            .emulated();

    assertHex(afterAllOnes(function, 0x104, 4)).isEqualTo(0x0000fe00);
    assertHex(function.read(0x108, 4)).isZero();
  }

  @Test
  void containmentAndItsRootPortExtensions() {
    GuestConfigSpace port =
        Capture.express(4)
            .extended(0x100, 0x1d, 1)
            .u32(0x104, 0x000014e0)
            .u32(0x108, 0x00001f09)
            .emulated();

    assertHex(afterAllOnes(port, 0x106, 2)).isEqualTo(0x00bf);
    assertHex(port.read(0x108, 2)).isEqualTo(0x1f00);
    assertHex(port.read(0x110, 4)).isEqualTo(0x00070707);
    assertHex(afterAllOnes(port, 0x114, 4)).isEqualTo(0x00070707);
    assertHex(afterAllOnes(port, 0x10c, 4)).isZero();
  }

  @Test
  void deviceControl3TakesWhatItsCapabilitiesOffer() {
    GuestConfigSpace function =
        Capture.endpoint()
            .u16(0x42, 0x8002)
            .extended(0x100, 0x2f, 1)
            .u32(0x104, 0x0000080c)
            .emulated();

    assertHex(function.read(0x108, 4)).isEqualTo(0x00000078);
    assertHex(afterAllOnes(function, 0x108, 4)).isEqualTo(0x000001fd);
  }

  @Test
  void laneMarginingIsPerLane() {
    GuestConfigSpace function = Capture.endpoint().extended(0x100, 0x27, 1).emulated();

    assertHex(function.read(0x108, 4)).isEqualTo(0x00009c38);
    assertHex(afterAllOnes(function, 0x124, 4)).isEqualTo(0x0000ff7f);
    assertHex(afterAllOnes(function, 0x128, 4)).isZero();
  }

  @Test
  void streamsOfIntegrityAndEncryptionAreFoundByTheirAssociations() {
    GuestConfigSpace function =
        Capture.endpoint()
            .extended(0x100, 0x30, 1)
            .u32(0x104, 0x00010002)
            .u32(0x10c, 0x00000001)
            .emulated();

    assertHex(afterAllOnes(function, 0x110, 4)).isEqualTo(0xff7fc001);
    assertHex(afterAllOnes(function, 0x118, 4)).isEqualTo(0x00ffff00);
    assertHex(afterAllOnes(function, 0x11c, 4)).isEqualTo(0xffffff01);
    assertHex(afterAllOnes(function, 0x120, 4)).isEqualTo(0xffffff01);
    assertHex(afterAllOnes(function, 0x130, 4)).isEqualTo(0xff7fc001);
    assertHex(afterAllOnes(function, 0x138, 4)).isEqualTo(0x00ffff00);
  }

  @Test
  void deviceBelowIsNotAsked() {
    ConfigSpace captured = Capture.endpoint().u32(0xe00, 0xcafe).config();
    EmulatedRegisters registers = EmulatedRegisters.ofFunction(captured, List.of());
    GuestConfigSpace function =
        registers
            .applyTo(GuestConfigSpace.over(DeviceConfig.readOnly(Capture.extended().config())))
            .build();

    assertHex(function.read(0xe00, 4)).isEqualTo(0xcafe);
    assertThat(registers.patches()).hasSizeGreaterThan(4096 / 4);
    assertThat(registers).hasSameHashCodeAs(EmulatedRegisters.ofFunction(captured, List.of()));
    assertThat(registers.hashCode())
        .isNotEqualTo(
            EmulatedRegisters.ofFunction(Capture.extended().config(), List.of()).hashCode());
  }

  @Test
  void vendorsRegistersStayAsCaptured() {
    GuestConfigSpace function =
        Capture.endpoint()
            .extended(0x100, 0x0b, 1)
            .u32(0x104, 0x01000001)
            .u32(0x108, 0x12345678)
            .u32(0xe00, 0xcafe)
            .emulated();

    assertHex(afterAllOnes(function, 0x108, 4)).isEqualTo(0x12345678);
    assertHex(afterAllOnes(function, 0xe00, 4)).isEqualTo(0xcafe);
  }

  @Test
  void capabilityUnderAnothersHeaderStaysAsCaptured() {
    GuestConfigSpace function =
        Capture.endpoint()
            .extended(0x100, 0x13, 1)
            .u32(0x104, 0x80030001)
            .extended(0x10c, 0x0f, 1)
            .emulated();

    assertHex(afterAllOnes(function, 0x104, 4)).isEqualTo(0x80030001);
    assertHex(afterAllOnes(function, 0x10c, 4)).isEqualTo(0x0001000f);
    assertHex(afterAllOnes(function, 0x110, 4)).isEqualTo(0x801f0000);
  }

  @Test
  void someCapabilitiesAloneAreEmulatedOverADevice() {
    ConfigSpace shown =
        Capture.endpoint()
            .extended(0x100, 0x0f, 1)
            .u32(0x104, 0x80000060)
            .extended(0x110, 0x13, 1)
            .config();

    EmulatedRegisters registers =
        EmulatedRegisters.ofCapabilities(
            shown, CapabilityChain.walk(shown), Set.of(CapabilityId.ATS));

    assertThat(registers.patches()).containsExactly(ConfigPatch.register(0x104, 0x60, 0x801f0000));
    assertThat(registers)
        .isEqualTo(
            EmulatedRegisters.ofCapabilities(
                shown, CapabilityChain.walk(shown), Set.of(CapabilityId.ATS)))
        .isNotEqualTo(EmulatedRegisters.ofFunction(shown, List.of()));
  }

  @Test
  void registersOfCapabilitiesAreEqualWhereTheyBehaveTheSame() {
    EmulatedRegisters d1 = powerManagement(Capture.endpoint(), 0x0203);
    EmulatedRegisters d1Too = powerManagement(Capture.endpoint().u32(0xc0, 0x12345678), 0x0203);
    EmulatedRegisters d2 = powerManagement(Capture.endpoint(), 0x0403);

    assertThat(d1).isEqualTo(d1Too).hasSameHashCodeAs(d1Too);
    assertThat(d1.patches()).isEqualTo(d2.patches());
    assertThat(d1).isNotEqualTo(d2);
  }

  private static EmulatedRegisters powerManagement(Capture capture, int capabilities) {
    ConfigSpace config = capture.standard(0x80, 0x01).u16(0x82, capabilities).config();
    return EmulatedRegisters.ofCapabilities(
        config, CapabilityChain.walk(config), Set.of(CapabilityId.POWER_MANAGEMENT));
  }
}
