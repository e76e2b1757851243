package io.vpasid.pci.emulation;

import static io.vpasid.pci.emulation.RegisterReads.afterAllOnes;
import static io.vpasid.pci.emulation.RegisterReads.assertHex;

import org.junit.jupiter.api.Test;

/// Registers of the extended capabilities against the specification's tables, which are written out
/// here as masks once more.
class ExtendedRegistersTest {

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
}
