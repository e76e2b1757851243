package io.vpasid.pci.emulation;

import static io.vpasid.pci.emulation.RegisterReads.afterAllOnes;
import static io.vpasid.pci.emulation.RegisterReads.assertHex;

import io.vpasid.pci.ConfigSpace;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Registers of capabilities that few functions have, against the specification's tables.
class RareCapabilitiesTest {

  // Of conventional PCI.

  @Test
  void agpCommandTakesWhatItsStatusOffers() {
    GuestConfigSpace agp3 =
        Capture.conventional().standard(0x90, 0x02).u32(0x94, 0x1f000238).emulated();
    GuestConfigSpace agp2 =
        Capture.conventional().standard(0x90, 0x02).u32(0x94, 0x1f000007).emulated();

    assertHex(afterAllOnes(agp3, 0x98, 4)).isEqualTo(0xff00ff37);
    assertHex(afterAllOnes(agp2, 0x98, 4)).isEqualTo(0xff000107);
  }

  @Test
  void hypertransportMapsMessagesIfThatIsItsKind() {
    GuestConfigSpace mapping =
        Capture.conventional().standard(0x90, 0x08).u16(0x92, 0xa801).emulated();
    GuestConfigSpace other =
        Capture.conventional().standard(0x90, 0x08).u16(0x92, 0x2001).emulated();

    assertHex(mapping.read(0x92, 2)).isEqualTo(0xa801);
    mapping.write(0x92, 2, 0);
    assertHex(mapping.read(0x92, 2)).isEqualTo(0xa800);
    other.write(0x92, 2, 0);
    assertHex(other.read(0x92, 2)).isEqualTo(0x2001);
  }

  @Test
  void pciXBridgeHasTwoStatusesAndSplitTransactionLimits() {
    GuestConfigSpace bridge =
        Capture.conventional()
            .u8(0x0e, 1)
            .standard(0x90, 0x07)
            .u16(0x92, 0x00ff)
            .u32(0x94, 0x003f0108)
            .u32(0x98, 0x00100020)
            .u32(0x9c, 0x00300040)
            .emulated();

    assertHex(bridge.read(0x92, 2)).isEqualTo(0x00c3);
    assertHex(bridge.read(0x94, 4)).isEqualTo(0x00030108);
    assertHex(bridge.read(0x98, 4)).isEqualTo(0x00100020);
    assertHex(afterAllOnes(bridge, 0x98, 4)).isEqualTo(0xffff0020);
    assertHex(afterAllOnes(bridge, 0x9c, 4)).isEqualTo(0xffff0040);
  }

  /// Bits 31:30 of the PCI-X status say 533 and 266 MHz.
  @Test
  void pciXFunctionHasExtendedCapabilitiesFrom266MhzOn() {
    Capture fast = Capture.extended().standard(0x90, 0x07).u32(0x94, 0x40000000);
    Capture slow = Capture.extended().standard(0x90, 0x07).u32(0x94, 0x3fffffff);

    assertHex(afterAllOnes(fast.extended(0x100, 0x18, 1).emulated(), 0x104, 4))
        .isEqualTo(0x1fff1fff);
    assertHex(afterAllOnes(slow.extended(0x100, 0x18, 1).emulated(), 0x104, 4)).isZero();
  }

  @Test
  void pciXCapabilityThatIsCutByTheEndSaysNothing() {
    GuestConfigSpace cut = Capture.conventional().standard(0xfc, 0x07).emulated();

    assertHex(cut.read(0xfc, 4)).isEqualTo(0x00020007);
  }

  // Of PCI Express.

  @Test
  void onlyABridgeToConventionalPciMayAskForRetries() {
    GuestConfigSpace bridge = Capture.express(7).u8(0x0e, 1).emulated();
    GuestConfigSpace reverse = Capture.express(8).u8(0x0e, 1).emulated();

    assertHex(afterAllOnes(bridge, 0x48, 2)).isEqualTo(0xfc1f);
    assertHex(afterAllOnes(reverse, 0x48, 2)).isEqualTo(0x7c1f);
  }

  @Test
  void slotIsThatOfADownstreamPort() {
    Capture upstream = Capture.express(5).u8(0x0e, 1).u16(0x42, 0x0152).u32(0x54, 0x7f);
    Capture downstream = Capture.express(6).u8(0x0e, 1).u16(0x42, 0x0162).u32(0x54, 0x40000);
    Capture reverse = Capture.express(8).u8(0x0e, 1).u16(0x42, 0x0182).u32(0x54, 0x40000);

    assertHex(afterAllOnes(upstream.emulated(), 0x58, 2)).isZero();
    assertHex(afterAllOnes(downstream.emulated(), 0x58, 2)).isEqualTo(0x2000);
    assertHex(afterAllOnes(reverse.emulated(), 0x58, 2)).isEqualTo(0x2000);
  }

  @ParameterizedTest
  @CsvSource({"4, 8080", "5, 8080", "6, 8080", "7, 0000", "8, 0000", "0, 0000"})
  void routingPortsBlockAtomicOperationsAndPrefixes(int port, String blocking) {
    GuestConfigSpace function = Capture.express(port).u32(0x64, 0x00200040).emulated();

    assertHex(afterAllOnes(function, 0x68, 2) & 0x8080).isEqualTo(Integer.parseInt(blocking, 16));
  }

  @Test
  void multicastHasAnOverlayInPortsOnly() {
    Capture endpoint = Capture.endpoint().extended(0x100, 0x12, 1);
    Capture port = Capture.express(6).u8(0x0e, 1).extended(0x100, 0x12, 1);

    assertHex(afterAllOnes(endpoint.emulated(), 0x104, 4)).isEqualTo(0x803f0000);
    assertHex(afterAllOnes(endpoint.emulated(), 0x108, 4)).isEqualTo(0xfffff03f);
    assertHex(afterAllOnes(endpoint.emulated(), 0x124, 4)).isEqualTo(-1);
    assertHex(afterAllOnes(endpoint.emulated(), 0x128, 4)).isZero();
    assertHex(afterAllOnes(port.emulated(), 0x128, 4)).isEqualTo(-1);
  }

  @Test
  void internalLinkOfARootComplexHasAFewControls() {
    GuestConfigSpace function = Capture.express(9).extended(0x100, 0x06, 1).emulated();

    assertHex(afterAllOnes(function, 0x108, 2)).isEqualTo(0x0083);
  }

  @Test
  void lightweightNotificationStartsWithTheHighestLimit() {
    GuestConfigSpace function = Capture.endpoint().extended(0x100, 0x1c, 1).emulated();

    assertHex(function.read(0x104, 4)).isEqualTo(0x1f000000);
    assertHex(afterAllOnes(function, 0x104, 4)).isEqualTo(0x1f010000);
  }

  @Test
  void readinessMessagesAreNotReceivedButMayInterrupt() {
    GuestConfigSpace port =
        Capture.express(4).u8(0x0e, 1).extended(0x100, 0x21, 1).u32(0x108, 0x00000003).emulated();

    assertHex(port.read(0x108, 4)).isZero();
    assertHex(afterAllOnes(port, 0x108, 4)).isEqualTo(0x00010000);
  }

  @Test
  void linkOf16GtHasNoErrorsInItsLanes() {
    Capture link =
        Capture.endpoint()
            .extended(0x100, 0x26, 1)
            .u32(0x10c, 0x0000001f)
            .u32(0x110, 0xffff)
            .u32(0x114, 0xffff)
            .u32(0x118, 0xffff);

    assertHex(link.emulated().read(0x10c, 4)).isEqualTo(0x0000000f);
    assertHex(link.emulated().read(0x110, 4)).isEqualTo(0xff00);
    assertHex(link.emulated().read(0x114, 4)).isEqualTo(0xff00);
    assertHex(link.emulated().read(0x118, 4)).isEqualTo(0xff00);
  }

  @Test
  void enclosureManagementTakesTheStatesThatItHas() {
    GuestConfigSpace port =
        Capture.express(6).u8(0x0e, 1).extended(0x100, 0x29, 1).u32(0x104, 0x81001805).emulated();

    assertHex(afterAllOnes(port, 0x108, 4)).isEqualTo(0x81000805);
    assertHex(port.read(0x10c, 4)).isEqualTo(1);
  }

  @Test
  void dataObjectsAreNeverAnswered() {
    Capture silent = Capture.endpoint().extended(0x100, 0x2e, 1).u32(0x10c, 0x80000007);
    Capture interrupting = Capture.endpoint().extended(0x100, 0x2e, 1).u32(0x104, 0x1);

    assertHex(afterAllOnes(silent.emulated(), 0x108, 4)).isZero();
    assertHex(silent.emulated().read(0x10c, 4)).isZero();
    assertHex(afterAllOnes(interrupting.emulated(), 0x108, 4)).isEqualTo(2);
  }

  @Test
  void dmwrIsRequestedByEndpointsAndRootPortsOnly() {
    Capture root = Capture.express(4).u8(0x0e, 1).extended(0x100, 0x2f, 1);
    Capture upstream = Capture.express(5).u8(0x0e, 1).extended(0x100, 0x2f, 1);

    assertHex(afterAllOnes(root.emulated(), 0x108, 4)).isEqualTo(1);
    assertHex(afterAllOnes(upstream.emulated(), 0x108, 4)).isZero();
  }

  @Test
  void lastWordOfAnEgressControlVectorOf256BitsIsThere() {
    GuestConfigSpace port =
        Capture.express(4).extended(0x100, 0x0d, 1).u32(0x104, 0x00000020).emulated();
    GuestConfigSpace without =
        Capture.express(4).extended(0x100, 0x0d, 1).u32(0x104, 0x00002000).emulated();

    assertHex(afterAllOnes(port, 0x124, 4)).isEqualTo(-1);
    assertHex(afterAllOnes(port, 0x128, 4)).isZero();
    assertHex(afterAllOnes(without, 0x108, 4)).isZero();
  }

  @Test
  void everyStreamOfALinkAndOfItsFunctionIsControlled() {
    GuestConfigSpace function =
        Capture.endpoint()
            .extended(0x100, 0x30, 1)
            .u32(0x104, 0x010020bf)
            .u32(0x110, 0x80000005)
            .u32(0x118, 0x80000005)
            .u32(0x124, 0x80000005)
            .emulated();

    assertHex(afterAllOnes(function, 0x108, 4)).isEqualTo(0x00000004);
    assertHex(afterAllOnes(function, 0x10c, 4)).isEqualTo(0xff3ffdfd);
    assertHex(function.read(0x110, 4)).isZero();
    assertHex(afterAllOnes(function, 0x114, 4)).isEqualTo(0xff3ffdfd);
    assertHex(function.read(0x118, 4)).isZero();
    assertHex(afterAllOnes(function, 0x11c, 4)).isZero();
    assertHex(afterAllOnes(function, 0x120, 4)).isEqualTo(0xfffffffd);
    assertHex(function.read(0x124, 4)).isZero();
    assertHex(afterAllOnes(function, 0x128, 4)).isEqualTo(0x00ffff00);
    assertHex(afterAllOnes(function, 0x12c, 4)).isEqualTo(0xffffff01);
  }

  @Test
  void streamsOfALinkAloneHaveNoneOfAFunction() {
    GuestConfigSpace function =
        Capture.endpoint().extended(0x100, 0x30, 1).u32(0x104, 0x00000001).emulated();

    assertHex(afterAllOnes(function, 0x10c, 4)).isEqualTo(0xff3fc001);
    assertHex(afterAllOnes(function, 0x114, 4)).isZero();
    assertHex(afterAllOnes(function, 0x118, 4)).isZero();
  }

  @Test
  void virtualFunctionsBarsAreResized() {
    ConfigSpace captured =
        Capture.endpoint()
            .extended(0x100, 0x10, 1)
            .u32(0x11c, 0x553)
            .extended(0x140, 0x24, 1)
            .u32(0x144, 0x00001c00)
            .u32(0x148, 0x00000622)
            .config();
    GuestConfigSpace function =
        EmulatedRegisters.ofFunction(captured, List.of(), List.of(Bar.memory64(2, 256 << 20)))
            .applyTo(GuestConfigSpace.over(DeviceConfig.readOnly(captured)))
            .build();

    assertHex(afterAllOnes(function, 0x12c, 4)).isEqualTo(0xf0000004);
    function.write(0x148, 4, 0x00000622);
    assertHex(afterAllOnes(function, 0x12c, 4)).isEqualTo(0xfc000004);
    assertHex(afterAllOnes(function, 0x130, 4)).isEqualTo(-1);
  }

  @Test
  void functionWithAnUnknownHeaderHasNoCapabilitiesForAGuest() {
    GuestConfigSpace cardbus = Capture.express(0).u8(0x0e, 2).u8(0x14, 0x40).emulated();
    GuestConfigSpace unknown = Capture.express(0).u8(0x0e, 3).emulated();

    assertHex(afterAllOnes(cardbus, 0x3c, 1)).isEqualTo(0xff);
    assertHex(afterAllOnes(cardbus, 0x48, 2)).isEqualTo(0x7c1f);
    assertHex(afterAllOnes(unknown, 0x48, 2)).isZero();
  }
}
