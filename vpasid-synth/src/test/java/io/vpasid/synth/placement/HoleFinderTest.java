package io.vpasid.synth.placement;

import static org.assertj.core.api.Assertions.assertThat;

import io.vpasid.pci.ByteRange;
import io.vpasid.pci.occupancy.OccupancyMap;
import io.vpasid.pci.occupancy.Use;
import io.vpasid.synth.placement.HoleRequest.Wish;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class HoleFinderTest {
  private static final ByteRange WHOLE = ByteRange.between(0x100, 0x1000);

  private final OccupancyMap.Builder map =
      OccupancyMap.builder(4096)
          .claim(ByteRange.between(0x000, 0x100), Use.HEADER, "header")
          .claim(ByteRange.between(0x100, 0x148), Use.CAPABILITY, "AER");

  private static HoleRequest request() {
    return new HoleRequest(
        8,
        Optional.empty(),
        Optional.empty(),
        Optional.empty(),
        List.of(),
        List.of(),
        false,
        false);
  }

  private static Optional<Wish> at(int offset) {
    return Optional.of(new Wish(new ByteRange(offset, 8), "somebody"));
  }

  private Placement found(HoleRequest request) {
    return ((HoleSearch.Found) HoleFinder.find(map.build(), request)).placement();
  }

  @Test
  void middleOfTheLongestRunInTheQuietZoneIsTaken() {
    Placement placement = found(request());

    assertThat(placement.range()).isEqualTo(new ByteRange(0xd80, 8));
    assertThat(placement.strategy()).isEqualTo(Strategy.ZERO_HOLE);
    assertThat(placement.passedOver()).isEmpty();
    assertThat(placement.reasons()).hasSize(2).last().asString().contains("hint, not a proof");
  }

  @Test
  void liveByteSplitsTheRunAndTheLongerPartIsTaken() {
    map.claim(new ByteRange(0xd00, 1), Use.NON_ZERO, "not zero");

    assertThat(found(request()).range()).isEqualTo(new ByteRange(0xe60, 8));
  }

  @Test
  void lowestOfEquallyLongRunsIsTaken() {
    map.claim(ByteRange.between(0xb30, 0xc00), Use.QUIRK, "q");
    map.claim(ByteRange.between(0xc10, 0xd00), Use.QUIRK, "q");
    map.claim(ByteRange.between(0xd10, 0xfe0), Use.QUIRK, "q");

    assertThat(found(request()).range()).isEqualTo(new ByteRange(0xc00, 8));
  }

  @Test
  void zonesAreTriedInTheirOrderAndThePassedOverAreNamed() {
    map.claim(ByteRange.between(0xb30, 0xfe0), Use.QUIRK, "q");
    map.claim(ByteRange.between(0x148, 0x700), Use.QUIRK, "q");

    Placement placement = found(request());

    assertThat(placement.strategy()).isEqualTo(Strategy.RISKY_ZERO_HOLE);
    assertThat(ByteRange.between(0x700, 0xb30).contains(placement.range())).isTrue();
    assertThat(placement.passedOver())
        .extracting(PassedOver::range)
        .containsExactly(ByteRange.between(0xb30, 0xfe0), ByteRange.between(0x100, 0x700));
  }

  @Test
  void runOfExactlyTheLengthIsEnoughAndAnUnalignedOneIsNot() {
    map.claim(ByteRange.between(0x148, 0xfe4), Use.QUIRK, "q");
    map.claim(ByteRange.between(0xfec, 0x1000), Use.QUIRK, "q");
    assertThat(found(request()).range()).isEqualTo(new ByteRange(0xfe4, 8));

    map.claim(new ByteRange(0xfe4, 1), Use.QUIRK, "q");
    assertThat(HoleFinder.find(map.build(), request())).isInstanceOf(HoleSearch.NoHole.class);
  }

  @Test
  void ownSlotComesBeforeEveryZeroHole() {
    map.claim(new ByteRange(0x230, 8), Use.HIDDEN_CAPABILITY, "PASID");
    HoleRequest request =
        new HoleRequest(
            8,
            Optional.empty(),
            Optional.empty(),
            Optional.of(new ByteRange(0x230, 8)),
            List.of(),
            List.of(),
            false,
            false);

    assertThat(found(request).strategy()).isEqualTo(Strategy.OWN_SLOT);
    assertThat(found(request).offset()).isEqualTo(0x230);
  }

  @Test
  void pinnedOffsetOnACapabilityIsPassedOver() {
    HoleRequest request =
        new HoleRequest(
            8, Optional.empty(), at(0x144), Optional.empty(), List.of(), List.of(), false, false);

    Placement placement = found(request);

    assertThat(placement.offset()).isEqualTo(0xd80);
    assertThat(placement.passedOver())
        .containsExactly(
            new PassedOver(new ByteRange(0x144, 8), Strategy.PINNED, "it meets 0x144: AER"));
  }

  @Test
  void requestedOffsetIsTakenOrNothingIs() {
    HoleRequest good =
        new HoleRequest(
            8, at(0x400), at(0x500), Optional.empty(), List.of(), List.of(), false, false);
    HoleRequest bad =
        new HoleRequest(
            8, at(0x402), at(0x500), Optional.empty(), List.of(), List.of(), false, false);

    assertThat(found(good).range()).isEqualTo(new ByteRange(0x400, 8));
    assertThat(HoleFinder.find(map.build(), bad).passedOver())
        .extracting(PassedOver::why)
        .containsExactly(
            "its offset is not a multiple of 4; the nearest free place is 0x400, the best one is"
                + " 0x500 (pinned by a quirk)");
  }

  private static HoleRequest requested(int offset, Optional<ByteRange> ownSlot, boolean shadowing) {
    return new HoleRequest(
        8, at(offset), Optional.empty(), ownSlot, List.of(), List.of(), shadowing, false);
  }

  /// I3: what lives is covered only if the user allows it.
  @Test
  void requestedOffsetOnALiveRegisterIsRefusedUnlessShadowingIsAllowed() {
    map.claim(new ByteRange(0xff8, 8), Use.QUIRK, "ELBI_CTRL");

    assertThat(HoleFinder.find(map.build(), requested(0xff8, Optional.empty(), false)).passedOver())
        .extracting(PassedOver::why)
        .containsExactly(
            "it would cover what is at 0xff8: hidden register, ELBI_CTRL; the nearest free place is"
                + " 0xff0, the best one is 0xd80 (all-zero hole)");
    assertThat(found(requested(0xff8, Optional.empty(), true)).reasons())
        .last()
        .asString()
        .contains("can no longer reach")
        .contains("ELBI_CTRL");
  }

  @Test
  void whereNoPlaceIsFreeNoneIsOfferedInsteadOfTheRequestedOne() {
    map.claim(ByteRange.between(0x100, 0x1000), Use.NON_ZERO, "not zero");

    assertThat(HoleFinder.find(map.build(), requested(0x400, Optional.empty(), false)).passedOver())
        .extracting(PassedOver::why)
        .containsExactly("it would cover what is at 0x400: a byte, not zero; no place is free");
  }

  @Test
  void requestedOffsetOnTheDevicesOwnCapabilityNeedsNoLeave() {
    map.claim(new ByteRange(0x230, 8), Use.HIDDEN_CAPABILITY, "PASID");
    Optional<ByteRange> own = Optional.of(new ByteRange(0x230, 8));

    assertThat(found(requested(0x230, own, false)).reasons())
        .last()
        .asString()
        .contains("physical registers are shadowed");
    assertThat(HoleFinder.find(map.build(), requested(0x234, own, false)))
        .isInstanceOf(HoleSearch.NoHole.class);
  }

  @Test
  void requestedOffsetOnAQuirksBitsOfTheOwnCapabilityIsRefused() {
    map.claim(new ByteRange(0x234, 2), Use.QUIRK, "q");
    map.claim(new ByteRange(0x230, 8), Use.HIDDEN_CAPABILITY, "PASID");
    Optional<ByteRange> own = Optional.of(new ByteRange(0x230, 8));

    assertThat(HoleFinder.find(map.build(), requested(0x230, own, false)))
        .isInstanceOf(HoleSearch.NoHole.class);
  }

  @Test
  void availableRangesAreTriedInOrder() {
    map.claim(ByteRange.between(0x180, 0x190), Use.NON_ZERO, "not zero");
    HoleRequest request =
        new HoleRequest(
            8,
            Optional.empty(),
            Optional.empty(),
            Optional.empty(),
            List.of(
                new Wish(ByteRange.between(0x184, 0x190), "a"),
                new Wish(ByteRange.between(0x18a, 0x1a0), "b")),
            List.of(),
            false,
            false);

    Placement placement = found(request);

    assertThat(placement.range()).isEqualTo(new ByteRange(0x190, 8));
    assertThat(placement.passedOver()).hasSize(1);
  }

  @Test
  void headOfAnEmptyListIsTakenUnlessItIsLive() {
    OccupancyMap.Builder empty =
        OccupancyMap.builder(4096).claim(ByteRange.between(0, 0x100), Use.HEADER, "header");
    HoleRequest request =
        new HoleRequest(
            8,
            Optional.empty(),
            Optional.empty(),
            Optional.empty(),
            List.of(),
            List.of(),
            false,
            true);
    assertThat(((HoleSearch.Found) HoleFinder.find(empty.build(), request)).placement().offset())
        .isEqualTo(0x100);

    empty.claim(new ByteRange(0x104, 4), Use.QUIRK, "q");
    Placement elsewhere = ((HoleSearch.Found) HoleFinder.find(empty.build(), request)).placement();
    assertThat(elsewhere.offset()).isEqualTo(0xd80);
    assertThat(elsewhere.passedOver())
        .extracting(PassedOver::why)
        .containsExactly("it meets 0x104: hidden register, q");
  }

  @Test
  void shadowingIsTheLastResortAndNeverTouchesACapability() {
    map.claim(WHOLE, Use.QUIRK, "q");
    HoleRequest request =
        new HoleRequest(
            8,
            Optional.empty(),
            Optional.empty(),
            Optional.empty(),
            List.of(),
            List.of(new Wish(ByteRange.between(0x140, 0x160), "the quirk x")),
            false,
            false);

    Placement placement = found(request);

    assertThat(placement.strategy()).isEqualTo(Strategy.SHADOWED);
    assertThat(placement.range()).isEqualTo(new ByteRange(0x148, 8));
  }

  @Test
  void mirroredSpaceHoldsNothing() {
    map.claim(ByteRange.between(0x148, 0x1000), Use.MIRRORED, "mirror");

    assertThat(HoleFinder.find(map.build(), request())).isInstanceOf(HoleSearch.NoHole.class);
  }

  @Test
  void longerCapabilitiesFitToo() {
    HoleRequest request =
        new HoleRequest(
            0x40,
            Optional.empty(),
            Optional.empty(),
            Optional.empty(),
            List.of(),
            List.of(),
            false,
            false);

    assertThat(found(request).range()).isEqualTo(new ByteRange(0xd60, 0x40));
  }

  private List<String> passedOver(int offset) {
    return HoleFinder.find(map.build(), requested(offset, Optional.empty(), false))
        .passedOver()
        .stream()
        .map(PassedOver::why)
        .toList();
  }

  @Test
  void requestedOffsetOutsideTheExtendedSpaceIsRefused() {
    String outside =
        "it reaches outside the extended space 0x100-0xfff; the nearest free place is ";

    assertThat(passedOver(0x0fc))
        .containsExactly(outside + "0x148, the best one is 0xd80 (all-zero hole)");
    assertThat(passedOver(0xffc))
        .containsExactly(outside + "0xff8, the best one is 0xd80 (all-zero hole)");
    assertThat(found(requested(0xff8, Optional.empty(), false)).range())
        .isEqualTo(new ByteRange(0xff8, 8));
  }

  @Test
  void whatLiesRightBehindTheRequestedBytesIsInNobodysWay() {
    map.claim(new ByteRange(0x408, 4), Use.QUIRK, "q");

    assertThat(found(requested(0x400, Optional.empty(), false)).range())
        .isEqualTo(new ByteRange(0x400, 8));
  }

  @Test
  void nearestPlaceThatIsTheBestTooIsNamedOnce() {
    assertThat(passedOver(0xd82))
        .containsExactly("its offset is not a multiple of 4; the nearest free place is 0xd80");
  }

  @Test
  void ownSlotThatAQuirkClaimsIsPassedOver() {
    map.claim(new ByteRange(0x234, 2), Use.QUIRK, "q");
    map.claim(new ByteRange(0x230, 8), Use.HIDDEN_CAPABILITY, "PASID");
    HoleRequest request =
        new HoleRequest(
            8,
            Optional.empty(),
            Optional.empty(),
            Optional.of(new ByteRange(0x230, 8)),
            List.of(),
            List.of(),
            false,
            false);

    assertThat(found(request).strategy()).isEqualTo(Strategy.ZERO_HOLE);
    assertThat(found(request).passedOver())
        .containsExactly(
            new PassedOver(
                new ByteRange(0x230, 8), Strategy.OWN_SLOT, "it meets 0x234: hidden register, q"));
  }

  /// Invariant I3: a quirk allows to shadow its range, and no byte behind it.
  @Test
  void shadowingStaysWithinWhatTheQuirkAllows() {
    map.claim(WHOLE, Use.QUIRK, "q");

    assertThat(HoleFinder.find(map.build(), shadowable(0x600, 0x607)))
        .isInstanceOf(HoleSearch.NoHole.class);
    assertThat(found(shadowable(0x600, 0x608)).range()).isEqualTo(new ByteRange(0x600, 8));
  }

  private static HoleRequest shadowable(int from, int to) {
    return new HoleRequest(
        8,
        Optional.empty(),
        Optional.empty(),
        Optional.empty(),
        List.of(),
        List.of(new Wish(ByteRange.between(from, to), "the quirk x")),
        false,
        false);
  }
}
