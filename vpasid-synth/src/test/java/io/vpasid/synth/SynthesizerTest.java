package io.vpasid.synth;

import static org.assertj.core.api.Assertions.assertThat;

import io.vpasid.pci.ByteRange;
import io.vpasid.pci.ConfigSpace;
import io.vpasid.pci.emulation.DeviceConfig;
import io.vpasid.pci.emulation.GuestConfigSpace;
import io.vpasid.pci.vfio.VfioView;
import io.vpasid.synth.placement.Strategy;
import io.vpasid.synth.quirk.FunctionKind;
import io.vpasid.synth.quirk.QuirkTable;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class SynthesizerTest {
  private static final HardwareInfo HOST = HardwareInfo.parse("width=20,priv");

  private final ByteBuffer bytes = ByteBuffer.allocate(4096).order(ByteOrder.LITTLE_ENDIAN);

  /// An endpoint with AER 0x100, ATS 0x220, PASID 0x230 and PRI 0x240.
  @BeforeEach
  void describeAnEndpoint() {
    bytes.putInt(0x00, 0x0001f00d);
    bytes.putShort(0x06, (short) 0x0010);
    bytes.put(0x34, (byte) 0x40);
    bytes.putInt(0x40, 0x00020010);
    extended(0x100, 0x0001, 0x220);
    extended(0x220, 0x000f, 0x230);
    bytes.putInt(0x224, 0x80000060);
    extended(0x230, 0x001b, 0x240);
    bytes.putInt(0x234, 0x00051404);
    extended(0x240, 0x0013, 0);
    bytes.putInt(0x244, 0x81000000);
  }

  private void extended(int offset, int id, int next) {
    bytes.putInt(offset, id | 1 << 16 | next << 20);
  }

  private SynthesisRequest request(HardwareInfo hardware, PlacementPolicy policy) {
    return new SynthesisRequest(
        VfioView.of(ConfigSpace.of(bytes.array())),
        FunctionKind.PHYSICAL,
        hardware,
        QuirkTable.empty(),
        policy,
        List.of());
  }

  private SynthesisResult result() {
    return Synthesizer.synthesize(request(HOST, PlacementPolicy.DEFAULT));
  }

  private Synthesis synthesis() {
    return ((Synthesis) result());
  }

  private SynthesisResult.Declined declined() {
    return (SynthesisResult.Declined) result();
  }

  private GuestConfigSpace guest() {
    SynthesisRequest request = request(HOST, PlacementPolicy.DEFAULT);
    return Synthesizer.synthesize(request)
        .applyTo(GuestConfigSpace.over(DeviceConfig.readOnly(request.view().config())))
        .build();
  }

  @Test
  void ownHiddenCapabilityIsThePlace() {
    Synthesis synthesis = synthesis();

    assertThat(synthesis.offset()).isEqualTo(0x230);
    assertThat(synthesis.placement().strategy()).isEqualTo(Strategy.OWN_SLOT);
    assertThat(synthesis.predecessor()).contains(0x220);
    assertThat(synthesis.dwords()).containsExactly(0x2401001b, 0x00001404);
    assertThat(guest().read(0x220, 4)).isEqualTo(0x2301000f);
    assertThat(guest().read(0x230, 4)).isEqualTo(0x2401001b);
    assertThat(guest().read(0x234, 4)).isEqualTo(0x00001404);
  }

  @Test
  void zeroBytesOfACapabilityThatIsInNoListAreNotFree() {
    extended(0x220, 0x000f, 0x240);
    bytes.putInt(0x230, 0);
    assertThat(synthesis().offset()).isEqualTo(0xd80);

    // SR-IOV with the VF device id 1, page sizes, and 4 KiB pages.
    extended(0xd70, 0x0010, 0);
    bytes.putInt(0xd88, 0x00010000);
    bytes.putInt(0xd8c, 0x553);
    bytes.putInt(0xd90, 1);

    assertThat(synthesis().placement().range().overlaps(new ByteRange(0xd70, 0x40))).isFalse();
    assertThat(synthesis().placement().strategy()).isEqualTo(Strategy.ZERO_HOLE);
  }

  @Test
  void offsetInACapabilityThatIsInNoListIsNamed() {
    extended(0xd70, 0x0010, 0);
    bytes.putInt(0xd88, 0x00010000);
    bytes.putInt(0xd8c, 0x553);
    bytes.putInt(0xd90, 1);

    SynthesisResult refused =
        Synthesizer.synthesize(
            request(HOST, new PlacementPolicy(Optional.of(0xda8), List.of(), false)));
    SynthesisResult allowed =
        Synthesizer.synthesize(
            request(HOST, new PlacementPolicy(Optional.of(0xda8), List.of(), true)));

    assertThat(((SynthesisResult.Declined) refused).explanation())
        .isEqualTo(
            "The requested offset cannot be used: it would cover what is at 0xda8: Single Root I/O"
                + " Virtualization (SR-IOV), in no list; the nearest free place is 0xdb0, the best one is"
                + " 0x230 (the device's own hidden capability).");
    assertThat(((Synthesis) allowed).placement().reasons())
        .contains(
            "Shadowing is allowed: the guest can no longer reach what is at 0xda8: Single Root I/O"
                + " Virtualization (SR-IOV), in no list.");
  }

  /// IOMMU_GET_HW_INFO never reports more than the device has.
  @Test
  void hardwareInfoBeyondTheDevicesOwnCapabilityIsNarrowedWithANote() {
    bytes.putInt(0x234, 0x00001004);

    Synthesis synthesis =
        (Synthesis)
            Synthesizer.synthesize(
                request(HardwareInfo.parse("width=20,exec,priv"), PlacementPolicy.DEFAULT));

    assertThat(synthesis.capability()).isEqualTo(new PasidCapability(16, false, true));
    assertThat(synthesis.notes())
        .containsExactly(
            "The hw-info has 20 bits, the device's own PASID capability 16: no host reports more.",
            "The hw-info has execute permission, which the device itself does not support.");
  }

  @Test
  void hardwareInfoWithinTheDevicesOwnCapabilityIsNotNoted() {
    Synthesis synthesis =
        (Synthesis)
            Synthesizer.synthesize(
                request(HardwareInfo.parse("width=12"), PlacementPolicy.DEFAULT));

    assertThat(synthesis.capability()).isEqualTo(new PasidCapability(12, false, false));
    assertThat(synthesis.notes()).isEmpty();
  }

  @Test
  void deviceWhoseOwnCapabilityHasNoBitsGetsNone() {
    bytes.putInt(0x234, 0);

    assertThat(declined().explanation()).contains("Max PASID Width 0");
  }

  @Test
  void functionThatDoesNotAnswerIsNamedAndNotItsHeaderType() {
    Arrays.fill(bytes.array(), (byte) 0xff);

    assertThat(declined().reason()).isEqualTo(DeclineReason.UNREADABLE);
    assertThat(declined().explanation())
        .isEqualTo(
            "Everything reads as ff: the function does not answer (reset, D3cold, unplugged); wake"
                + " it and capture it again.");
  }

  @Test
  void hostWithoutPasidGivesNone() {
    SynthesisResult result =
        Synthesizer.synthesize(request(HardwareInfo.NONE, PlacementPolicy.DEFAULT));

    assertThat(result).isInstanceOf(SynthesisResult.Declined.class);
    SynthesisResult.Declined declined = (SynthesisResult.Declined) result;
    assertThat(declined.reason()).isEqualTo(DeclineReason.NO_PASID_ON_HOST);
    assertThat(declined.explanation())
        .contains("host has no PASIDs", "IOMMU_GET_HW_INFO", "Linux 6.15");
  }

  @Test
  void physicalRegistersAreOutOfReachAlsoWithoutAVpasid() {
    SynthesisRequest request = request(HardwareInfo.NONE, PlacementPolicy.DEFAULT);
    GuestConfigSpace guest =
        Synthesizer.synthesize(request)
            .applyTo(GuestConfigSpace.over(DeviceConfig.readOnly(request.view().config())))
            .build();

    assertThat(guest.read(0x230, 4)).isZero();
    assertThat(guest.read(0x234, 4)).isZero();
  }

  @Test
  void withoutPasidOfItsOwnAVirtualFunctionGetsAZeroHole() {
    extended(0x220, 0x000f, 0x240);
    bytes.putLong(0x230, 0);

    Synthesis synthesis = synthesis();

    assertThat(synthesis.offset()).isEqualTo(0xd80);
    assertThat(synthesis.predecessor()).contains(0x240);
    assertThat(synthesis.link().next()).isZero();
  }

  @Test
  void liveBytesInAnotherCaptureAreAvoided() {
    extended(0x220, 0x000f, 0x240);
    bytes.putLong(0x230, 0);
    byte[] other = bytes.array().clone();
    other[0xd84] = 1;
    SynthesisRequest one = request(HOST, PlacementPolicy.DEFAULT);

    SynthesisResult result =
        Synthesizer.synthesize(
            new SynthesisRequest(
                one.view(),
                one.kind(),
                one.hardware(),
                one.quirks(),
                one.policy(),
                List.of(ConfigSpace.of(other))));

    ByteRange range = ((Synthesis) result).range();
    assertThat(range.overlaps(new ByteRange(0xd84, 1))).isFalse();
  }

  @Test
  void emptyListStartsWithTheCapability() {
    bytes.putInt(0x100, 0);

    Synthesis synthesis = synthesis();

    assertThat(synthesis.offset()).isEqualTo(0x100);
    assertThat(synthesis.predecessor()).isEmpty();
    assertThat(guest().read(0x100, 4)).isEqualTo(0x0001001b);
  }

  @Test
  void emptyListWithLiveBytesBehindItsHeadStartsWithANullHeader() {
    bytes.putInt(0x100, 0);
    bytes.putInt(0x104, 0xdeadbeef);

    Synthesis synthesis = synthesis();

    assertThat(synthesis.predecessor()).contains(0x100);
    assertThat(guest().read(0x100, 4)).isEqualTo(synthesis.offset() << 20);
    assertThat(guest().read(0x104, 4)).isEqualTo(0xdeadbeef);
  }

  @Test
  void hiddenPasidAtTheHeadTakesThePlaceOfThePlaceholder() {
    extended(0x100, 0x001b, 0x220);
    bytes.putInt(0x104, 0x00051404);
    extended(0x220, 0x000f, 0);

    Synthesis synthesis = synthesis();

    assertThat(synthesis.offset()).isEqualTo(0x100);
    assertThat(guest().read(0x100, 4)).isEqualTo(0x2201001b);
  }

  @Test
  void placeholderOfAnotherHiddenHeadIsKept() {
    extended(0x100, 0x001e, 0x220);

    assertThat(synthesis().offset()).isEqualTo(0x230);
    assertThat(guest().read(0x100, 4)).isEqualTo(0x22000000);
  }

  @Test
  void capabilityInTheListIsEmulatedInPlace() {
    bytes.put(0x40, (byte) 0x10);
    SynthesisRequest shown =
        new SynthesisRequest(
            new VfioView(ConfigSpace.of(bytes.array()), List.of()),
            FunctionKind.PHYSICAL,
            HardwareInfo.parse("width=8"),
            QuirkTable.empty(),
            PlacementPolicy.DEFAULT,
            List.of());

    SynthesisResult result = Synthesizer.synthesize(shown);

    assertThat(((Synthesis) result).placement().strategy()).isEqualTo(Strategy.PRESENT);
    GuestConfigSpace guest =
        result.applyTo(GuestConfigSpace.over(DeviceConfig.readOnly(shown.view().config()))).build();
    assertThat(guest.read(0x234, 4)).isEqualTo(0x00000800);
  }

  @Test
  void capabilityInTheListIsTakenOutWhenTheHostHasNone() {
    SynthesisRequest shown =
        new SynthesisRequest(
            new VfioView(ConfigSpace.of(bytes.array()), List.of()),
            FunctionKind.PHYSICAL,
            HardwareInfo.NONE,
            QuirkTable.empty(),
            PlacementPolicy.DEFAULT,
            List.of());

    GuestConfigSpace guest =
        Synthesizer.synthesize(shown)
            .applyTo(GuestConfigSpace.over(DeviceConfig.readOnly(shown.view().config())))
            .build();

    assertThat(guest.read(0x220, 4)).isEqualTo(0x2401000f);
    assertThat(guest.read(0x230, 4)).isZero();
    assertThat(guest.read(0x234, 4)).isZero();
  }

  @Test
  void lastPointerThatLeadsNowhereIsEnded() {
    extended(0x240, 0x0013, 0x100);

    assertThat(guest().read(0x240, 4)).isEqualTo(0x00010013);
  }

  @Test
  void bridgesAndConventionalFunctionsAndUnreadableOnesAreDeclined() {
    bytes.put(0x0e, (byte) 1);
    assertThat(declined().reason()).isEqualTo(DeclineReason.NOT_AN_ENDPOINT);

    bytes.put(0x0e, (byte) 0).put(0x40, (byte) 1);
    assertThat(declined().reason()).isEqualTo(DeclineReason.NOT_PCI_EXPRESS);

    bytes.put(0x40, (byte) 0x10);
    for (int at = 0x100; at < 0x1000; at++) {
      bytes.put(at, (byte) 0xff);
    }
    assertThat(declined().reason()).isEqualTo(DeclineReason.UNREADABLE);

    for (int at = 0x100; at < 0x1000; at++) {
      bytes.put(at, bytes.get(at & 0xff));
    }
    assertThat(declined().reason()).isEqualTo(DeclineReason.MIRRORED);
  }

  @Test
  void dumpOf256BytesIsDeclinedWithTheWayToABetterOne() {
    byte[] first = new byte[256];
    bytes.get(0, first);

    SynthesisResult result =
        Synthesizer.synthesize(SynthesisRequest.of(VfioView.of(ConfigSpace.of(first)), HOST));

    SynthesisResult.Declined declined = (SynthesisResult.Declined) result;
    assertThat(declined.reason()).isEqualTo(DeclineReason.NO_EXTENDED_SPACE);
    assertThat(declined.explanation()).contains("lspci -xxxx");
  }

  @Test
  void requestedOffsetIsUsedAndThePhysicalRegistersStayOutOfReach() {
    SynthesisRequest request =
        request(HOST, new PlacementPolicy(Optional.of(0x400), List.of(), false));

    SynthesisResult result = Synthesizer.synthesize(request);
    GuestConfigSpace guest =
        result
            .applyTo(GuestConfigSpace.over(DeviceConfig.readOnly(request.view().config())))
            .build();

    assertThat(((Synthesis) result).offset()).isEqualTo(0x400);
    assertThat(guest.read(0x230, 4)).isZero();
    assertThat(guest.read(0x234, 4)).isZero();
  }

  @Test
  void controlTakesOnlyWhatTheHostHasAndIsOffAfterAReset() {
    GuestConfigSpace guest = guest();

    guest.write(0x236, 2, 0xffff);
    assertThat(guest.read(0x236, 2)).isEqualTo(0x0005);
    guest.reset();

    assertThat(guest.read(0x236, 2)).isZero();
  }

  @Test
  void permissionsDoNotChangeWhilePasidIsEnabled() {
    GuestConfigSpace guest = guest();
    guest.write(0x236, 2, 0x0001);

    guest.write(0x236, 2, 0x0005);
    assertThat(guest.read(0x236, 2)).isEqualTo(0x0001);
    guest.write(0x236, 2, 0x0004);

    assertThat(guest.read(0x236, 2)).isEqualTo(0x0004);
  }

  @Test
  void atsAndPriControlWordsReadBackWhatTheGuestWrote() {
    GuestConfigSpace guest = guest();

    guest.write(0x226, 2, 0x8000);
    guest.write(0x24c, 4, 32);
    guest.write(0x244, 2, 0x0001);

    assertThat(guest.read(0x226, 2)).isEqualTo(0x8000);
    assertThat(guest.read(0x24c, 4)).isEqualTo(32);
    assertThat(guest.read(0x244, 4)).isEqualTo(0x80000001);
    guest.write(0x244, 2, 0x0000);
    assertThat(guest.read(0x244, 4)).isEqualTo(0x81000000);
  }

  @Test
  void unfitFunctionLosesThePasidCapabilityThatItsListShows() {
    bytes.put(0x40, (byte) 0x09); // vendor-specific in place of PCI Express: vfio-pci hides nothing

    assertThat(declined().reason()).isEqualTo(DeclineReason.NOT_PCI_EXPRESS);
    assertThat(guest().read(0x220, 4)).isEqualTo(0x2401000f);
    assertThat(guest().read(0x230, 4)).isZero();
    assertThat(guest().read(0x234, 4)).isZero();
  }

  @Test
  void everyHiddenPasidCapabilityIsOutOfReach() {
    extended(0x230, 0x001b, 0x300);
    extended(0x300, 0x001b, 0x240);
    bytes.putInt(0x304, 0x00051404);

    assertThat(synthesis().offset()).isEqualTo(0x230);
    assertThat(guest().read(0x300, 4)).isZero();
    assertThat(guest().read(0x304, 4)).isZero();
  }

  @Test
  void headersOnTopOfEmulatedRegistersStayInTheList() {
    extended(0x220, 0x000f, 0x240);
    extended(0x240, 0x0013, 0x24c); // on top of Outstanding Page Request Allocation
    extended(0x24c, 0x0003, 0);

    assertThat(synthesis().predecessor()).contains(0x24c);
    assertThat(guest().read(0x24c, 4)).isEqualTo(synthesis().offset() << 20 | 0x00010003);
    assertThat(guest().read(0x240, 4)).isEqualTo(0x24c10013);
  }

  @Test
  void headersOnTopOfThePasidRegistersInTheListStayInTheList() {
    extended(0x230, 0x001b, 0x234);
    extended(0x234, 0x0003, 0x240);
    SynthesisRequest request =
        new SynthesisRequest(
            new VfioView(ConfigSpace.of(bytes.array()), List.of()), // shows PASID
            FunctionKind.PHYSICAL,
            HOST,
            QuirkTable.empty(),
            PlacementPolicy.DEFAULT,
            List.of());

    GuestConfigSpace guest =
        Synthesizer.synthesize(request)
            .applyTo(GuestConfigSpace.over(DeviceConfig.readOnly(request.view().config())))
            .build();

    assertThat(guest.read(0x220, 4)).isEqualTo(0x2341000f);
    assertThat(guest.read(0x230, 4)).isZero();
    assertThat(guest.read(0x234, 4)).isEqualTo(0x24010003);
  }

  @Test
  void headersOnTopOfThePhysicalRegistersStayInTheList() {
    extended(0x230, 0x001b, 0x234);
    extended(0x234, 0x0003, 0x240);

    assertThat(synthesis().placement().strategy()).isEqualTo(Strategy.ZERO_HOLE);
    assertThat(guest().read(0x220, 4)).isEqualTo(0x2341000f);
    assertThat(guest().read(0x234, 4)).isEqualTo(0x24010003);
  }

  @Test
  void resultOfEqualRequestsIsEqual() {
    assertThat(result()).isEqualTo(result());
  }

  /// Invariant I6: what of the guest's view has to be the same where the guest moves to.
  @Test
  void layoutIsIdsBothListsAndTheVpasid() {
    SynthesisRequest request = request(HOST, PlacementPolicy.DEFAULT);

    assertThat(Layout.of(request, Synthesizer.synthesize(request)).facts())
        .containsExactly(
            Map.entry("device", "f00d:0001"),
            Map.entry("subsystem", "0000:0000"),
            Map.entry("class", "0x000000"),
            Map.entry("revision", "0x00"),
            Map.entry("bytes", "4096"),
            Map.entry("capability 0x40", "id 0x10, next 0x00"),
            Map.entry("extended 0x100", "id 0x0001, version 1, next 0x220"),
            Map.entry("extended 0x220", "id 0x000f, version 1, next 0x230"),
            Map.entry("extended 0x230", "id 0x001b, version 1, next 0x240"),
            Map.entry("extended 0x240", "id 0x0013, version 1, next 0x000"),
            Map.entry("vpasid", "at 0x230, width 20, no exec, priv"));
  }
}
