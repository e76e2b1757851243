package io.vpasid.synth;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.vpasid.pci.ByteRange;
import io.vpasid.pci.ConfigSpace;
import io.vpasid.pci.capability.CapabilityId;
import io.vpasid.pci.emulation.ConfigPatch;
import io.vpasid.pci.emulation.DeviceConfig;
import io.vpasid.pci.emulation.GuestConfigSpace;
import io.vpasid.pci.vfio.VfioView;
import io.vpasid.synth.placement.Strategy;
import io.vpasid.synth.quirk.FunctionKind;
import io.vpasid.synth.quirk.QuirkTable;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class FurtherCapabilityTest {
  private static final HardwareInfo HOST = HardwareInfo.parse("width=20");

  /// 32 bytes whose headers are read-only and whose last dword may be written.
  private static final FurtherCapability MAILBOX =
      new FurtherCapability(
          CapabilityId.DVSEC,
          1,
          0x20,
          List.of(
              ConfigPatch.readOnly(0x04, 0x0201f00d),
              ConfigPatch.readOnly(0x08, 0x00000001),
              ConfigPatch.register(0x1c, 0, 0xffffffff)));

  private final ByteBuffer bytes = ByteBuffer.allocate(4096).order(ByteOrder.LITTLE_ENDIAN);

  /// An endpoint with AER at 0x100 and ATS at 0x220.
  @BeforeEach
  void describeAnEndpoint() {
    bytes.putInt(0x00, 0x0001f00d);
    bytes.putShort(0x06, (short) 0x0010);
    bytes.put(0x34, (byte) 0x40);
    bytes.putInt(0x40, 0x00020010);
    bytes.putInt(0x100, 0x22010001);
    bytes.putInt(0x220, 0x0001000f);
  }

  private SynthesisRequest request(PlacementPolicy policy, FurtherCapability... further) {
    return new SynthesisRequest(
        VfioView.of(ConfigSpace.of(bytes.array())),
        FunctionKind.PHYSICAL,
        HOST,
        QuirkTable.empty(),
        policy,
        List.of(),
        List.of(further));
  }

  private static Synthesis synthesis(SynthesisRequest request) {
    return ((Synthesis) Synthesizer.synthesize(request));
  }

  private static FurtherResult.Placed placed(Synthesis synthesis, int index) {
    return (FurtherResult.Placed) synthesis.further().get(index);
  }

  private static GuestConfigSpace guest(SynthesisRequest request) {
    return Synthesizer.synthesize(request)
        .applyTo(GuestConfigSpace.over(DeviceConfig.readOnly(request.view().config())))
        .build();
  }

  private static PlacementPolicy available(ByteRange... ranges) {
    return new PlacementPolicy(Optional.empty(), List.of(ranges), false);
  }

  @Test
  void vpasidLiesWhereItWouldLieAlone() {
    Synthesis alone = synthesis(request(PlacementPolicy.DEFAULT));
    Synthesis together = synthesis(request(PlacementPolicy.DEFAULT, MAILBOX, MAILBOX));

    assertThat(together.placement()).isEqualTo(alone.placement());
    assertThat(together.further()).hasSize(2);
  }

  @Test
  void eachIsPlacedByTheSameSearchAndLinkedInAscendingOrder() {
    SynthesisRequest request = request(PlacementPolicy.DEFAULT, MAILBOX, MAILBOX);

    Synthesis synthesis = synthesis(request);

    // The vPASID lies in the middle of 0xb30-0xfdf, the first mailbox in that of 0xd88-0xfdf, the
    // longest run that is left, and the second in that of 0xb30-0xd7f.
    assertThat(synthesis.offset()).isEqualTo(0xd80);
    assertThat(placed(synthesis, 0).placement().range()).isEqualTo(new ByteRange(0xea0, 0x20));
    assertThat(placed(synthesis, 1).placement().range()).isEqualTo(new ByteRange(0xc40, 0x20));
    assertThat(placed(synthesis, 0).placement().strategy()).isEqualTo(Strategy.ZERO_HOLE);
    GuestConfigSpace guest = guest(request);
    assertThat(guest.read(0x220, 4)).isEqualTo(0xc401000f);
    assertThat(guest.read(0xc40, 4)).isEqualTo(0xd8010023);
    assertThat(guest.read(0xd80, 4)).isEqualTo(0xea01001b);
    assertThat(guest.read(0xea0, 4)).isEqualTo(0x00010023);
    assertThat(synthesis.dwords().getFirst()).isEqualTo(0xea01001b);
    assertThat(placed(synthesis, 1).link())
        .isEqualTo(new ChainLink(0xd8010023, Optional.of(0x220), 0x0001000f, 0xd80));
  }

  @Test
  void registersReadAsDeclaredAndTheOthersAsZero() {
    SynthesisRequest request = request(PlacementPolicy.DEFAULT, MAILBOX);
    int offset = placed(synthesis(request), 0).offset();
    GuestConfigSpace guest = guest(request);

    guest.write(offset + 0x04, 4, -1);
    guest.write(offset + 0x0c, 4, -1);
    guest.write(offset + 0x1c, 4, 0x12345678);

    assertThat(guest.read(offset + 0x04, 4)).isEqualTo(0x0201f00d);
    assertThat(guest.read(offset + 0x08, 4)).isEqualTo(0x00000001);
    assertThat(guest.read(offset + 0x0c, 4)).isZero();
    assertThat(guest.read(offset + 0x1c, 4)).isEqualTo(0x12345678);
  }

  @Test
  void availableRangesHoldOneBehindTheOther() {
    Synthesis synthesis =
        synthesis(request(available(ByteRange.between(0x300, 0x340)), MAILBOX, MAILBOX));

    assertThat(synthesis.range()).isEqualTo(new ByteRange(0x300, 8));
    assertThat(placed(synthesis, 0).placement().range()).isEqualTo(new ByteRange(0x308, 0x20));
    assertThat(placed(synthesis, 1).placement().strategy()).isEqualTo(Strategy.ZERO_HOLE);
    assertThat(placed(synthesis, 1).placement().passedOver())
        .singleElement()
        .asString()
        .isEqualTo(
            "0x300-0x33f (declared available): no 32 free bytes in a row:"
                + " 24 free, 40 of capabilities");
  }

  @Test
  void furtherCapabilityBecomesTheHeadThatTheVpasidLeavesEmpty() {
    bytes.putInt(0x100, 0);
    SynthesisRequest request = request(available(ByteRange.between(0x300, 0x308)), MAILBOX);

    assertThat(synthesis(request).offset()).isEqualTo(0x300);
    assertThat(placed(synthesis(request), 0).placement().strategy()).isEqualTo(Strategy.EMPTY_HEAD);
    assertThat(guest(request).read(0x100, 4)).isEqualTo(0x30010023);
    assertThat(guest(request).read(0x300, 4)).isEqualTo(0x0001001b);
  }

  @Test
  void vpasidAtTheEmptyHeadLeavesNoOtherHead() {
    bytes.putInt(0x100, 0);
    SynthesisRequest request = request(PlacementPolicy.DEFAULT, MAILBOX);

    assertThat(synthesis(request).offset()).isEqualTo(0x100);
    assertThat(placed(synthesis(request), 0).placement().strategy()).isEqualTo(Strategy.ZERO_HOLE);
    assertThat(guest(request).read(0x100, 4)).isEqualTo(0xd701001b);
  }

  @Test
  void presentVpasidLeadsToTheFurtherCapabilityBehindIt() {
    bytes.putInt(0x220, 0x2301000f);
    bytes.putInt(0x230, 0x0001001b);
    bytes.putInt(0x234, 0x00001400);
    SynthesisRequest request =
        new SynthesisRequest(
            new VfioView(ConfigSpace.of(bytes.array()), List.of()),
            FunctionKind.PHYSICAL,
            HOST,
            QuirkTable.empty(),
            PlacementPolicy.DEFAULT,
            List.of(),
            List.of(MAILBOX));

    Synthesis synthesis = synthesis(request);

    assertThat(synthesis.placement().strategy()).isEqualTo(Strategy.PRESENT);
    assertThat(synthesis.link())
        .isEqualTo(new ChainLink(0xd701001b, Optional.of(0x220), 0x2301000f, 0xd70));
    assertThat(guest(request).read(0x230, 4)).isEqualTo(0xd701001b);
  }

  @Test
  void vpasidIsShownWithoutTheOneThatFitsNowhere() {
    FurtherCapability huge = new FurtherCapability(CapabilityId.DVSEC, 1, 0xe00, List.of());

    Synthesis synthesis = synthesis(request(PlacementPolicy.DEFAULT, huge, MAILBOX));

    assertThat(synthesis.further().getFirst())
        .isInstanceOfSatisfying(
            FurtherResult.NoHole.class, none -> assertThat(none.passedOver()).hasSize(4));
    assertThat(placed(synthesis, 1).offset()).isEqualTo(0xea0);
  }

  @Test
  void whatNoCapabilityCanBeIsRefused() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new FurtherCapability(CapabilityId.PASID, 1, 8, List.of()));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new FurtherCapability(CapabilityId.NULL_EXTENDED, 1, 8, List.of()));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new FurtherCapability(CapabilityId.MSI, 1, 8, List.of()));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new FurtherCapability(CapabilityId.DVSEC, 16, 8, List.of()))
        .withMessage("A capability version has 4 bits, not 16");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new FurtherCapability(CapabilityId.DVSEC, 1, 10, List.of()));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new FurtherCapability(CapabilityId.DVSEC, 1, 0xf04, List.of()));
    assertThatIllegalArgumentException()
        .isThrownBy(() ->
            new FurtherCapability(CapabilityId.DVSEC, 1, 8, List.of(ConfigPatch.readOnly(0, 0))));
    assertThatIllegalArgumentException()
        .isThrownBy(() ->
            new FurtherCapability(CapabilityId.DVSEC, 1, 8, List.of(ConfigPatch.readOnly(8, 0))))
        .withMessage("A register at +0x08 is outside the dwords +0x04 to +0x04");
  }

  @Test
  void shortestAndLongestCapabilitiesAreTaken() {
    assertThat(new FurtherCapability(CapabilityId.DVSEC, 0, 4, List.of()).patches(0x200)).isEmpty();
    assertThat(new FurtherCapability(CapabilityId.DVSEC, 15, 0xf00, List.of()).length())
        .isEqualTo(0xf00);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new FurtherCapability(CapabilityId.DVSEC, -1, 8, List.of()));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new FurtherCapability(CapabilityId.DVSEC, 1, 0, List.of()));
  }

  /// Registers that none names are no holes through which the device shows.
  @Test
  void everyDwordBehindTheHeaderIsServedByUs() {
    FurtherCapability one =
        new FurtherCapability(
            CapabilityId.DVSEC, 1, 12, List.of(ConfigPatch.register(0x04, 5, 0xff)));

    assertThat(one.patches(0x200))
        .containsExactly(
            ConfigPatch.readOnly(0x204, 0),
            ConfigPatch.readOnly(0x208, 0),
            ConfigPatch.register(0x204, 5, 0xff));
  }
}
