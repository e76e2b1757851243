package io.vpasid.synth;

import static org.assertj.core.api.Assertions.assertThat;

import io.vpasid.synth.quirk.Decision;
import io.vpasid.synth.quirk.MatchedQuirks;
import io.vpasid.synth.quirk.QuirkSource;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class GateTest {
  private static final QuirkSource BOARD = new QuirkSource("site", "/etc/q.json", "board");
  private static final HardwareInfo FULL = HardwareInfo.parse("width=20,exec,priv");

  private static <T> Optional<Decision<T>> decided(T value) {
    return Optional.of(new Decision<>(value, BOARD));
  }

  private static MatchedQuirks limits(
      Optional<Decision<Integer>> width,
      Optional<Decision<Boolean>> exec,
      Optional<Decision<Boolean>> priv) {
    return new MatchedQuirks(
        List.of(), Optional.empty(), List.of(), List.of(), width, exec, priv, Optional.empty());
  }

  private static MatchedQuirks widthOf(int bits) {
    return limits(decided(bits), Optional.empty(), Optional.empty());
  }

  private static Gate decide(HardwareInfo hardware, MatchedQuirks quirks) {
    return Gate.decide(hardware, Optional.empty(), quirks);
  }

  private static Gate.Open open(int width, boolean exec, boolean priv, String... notes) {
    return new Gate.Open(new PasidCapability(width, exec, priv), List.of(notes));
  }

  @Test
  void showsWhatTheHostReportsWhereNothingNarrowsIt() {
    assertThat(decide(FULL, MatchedQuirks.NONE)).isEqualTo(open(20, true, true));
    assertThat(decide(HardwareInfo.parse("width=1"), MatchedQuirks.NONE))
        .isEqualTo(open(1, false, false));
  }

  @Test
  void quirkThatRefusesClosesItBeforeAllElse() {
    MatchedQuirks refusal =
        new MatchedQuirks(
            List.of(),
            Optional.empty(),
            List.of(),
            List.of(),
            Optional.empty(),
            Optional.empty(),
            Optional.empty(),
            decided("it hangs."));

    assertThat(decide(HardwareInfo.NONE, refusal))
        .isEqualTo(
            new Gate.Closed(
                DeclineReason.REFUSED_BY_QUIRK,
                "The quirk board (/etc/q.json) refuses a vPASID: it hangs."));
  }

  @Test
  void hostOfMoreBitsThanPciExpressHasIsNarrowedWithANote() {
    assertThat(decide(new HardwareInfo(21, false, false, true), MatchedQuirks.NONE))
        .isEqualTo(
            open(
                20,
                false,
                false,
                "The host reports 21 bits; PCI Express has no PASIDs of more than 20."));
  }

  @Test
  void quirkNarrowsTheWidth() {
    assertThat(decide(FULL, widthOf(8)))
        .isEqualTo(open(8, true, true, "The quirk board (/etc/q.json) limits PASIDs to 8 bits."));
  }

  @Test
  void quirkThatAllowsAsMuchAsTheHostHasIsNotNoted() {
    assertThat(decide(FULL, widthOf(20))).isEqualTo(open(20, true, true));
    assertThat(decide(HardwareInfo.parse("width=4"), widthOf(8))).isEqualTo(open(4, false, false));
  }

  @Test
  void quirkTurnsEachPermissionOffByItself() {
    assertThat(decide(FULL, limits(Optional.empty(), decided(false), Optional.empty())))
        .isEqualTo(
            open(20, false, true, "The quirk board (/etc/q.json) turns execute permission off."));
    assertThat(decide(FULL, limits(Optional.empty(), Optional.empty(), decided(false))))
        .isEqualTo(
            open(20, true, false, "The quirk board (/etc/q.json) turns privileged mode off."));
  }

  @Test
  void permissionThatTheHostLacksCannotBeTurnedOff() {
    assertThat(
            decide(
                HardwareInfo.parse("width=20"),
                limits(Optional.empty(), decided(false), decided(false))))
        .isEqualTo(open(20, false, false));
  }

  @Test
  void permissionThatTheDeviceLacksIsNotShownAndNoted() {
    assertThat(
            Gate.decide(FULL, Optional.of(HardwareInfo.parse("width=20,exec")), MatchedQuirks.NONE))
        .isEqualTo(
            open(
                20,
                true,
                false,
                "The hw-info has privileged mode, which the device itself does not support."));
  }
}
