package io.vpasid.synth.quirk;

import io.vpasid.pci.ByteRange;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// All that quirks together say about one function.
///
/// Ranges of all matching quirks add up. Of single values, the one from the latest layer counts,
/// and within a layer the one whose match is more specific ([QuirkMatch]).
///
/// @param hiddenBits registers that no capability describes, by ascending offset
/// @param pinnedOffset where the PASID capability goes: a multiple of 4 from 0x100 to 0xff8
/// @param available ranges to place capabilities in before any other, in order of preference; from
///   0x100 to 0xfff
/// @param shadowing ranges that a capability may cover although something lives there; from 0x100
///   to 0xfff
/// @param maxWidth the widest PASID that the function may be shown, in bits, 1 to 20
/// @param exec present and false: execute permission may not be shown
/// @param priv present and false: privileged mode may not be shown
/// @param refusal present: no PASID capability may be shown at all, and why
public record MatchedQuirks(
    List<HiddenBits> hiddenBits,
    Optional<Decision<Integer>> pinnedOffset,
    List<Decision<ByteRange>> available,
    List<Decision<ByteRange>> shadowing,
    Optional<Decision<Integer>> maxWidth,
    Optional<Decision<Boolean>> exec,
    Optional<Decision<Boolean>> priv,
    Optional<Decision<String>> refusal) {

  /// Nothing is known.
  public static final MatchedQuirks NONE = hiding(List.of());

  public MatchedQuirks {
    hiddenBits = List.copyOf(hiddenBits);
    available = List.copyOf(available);
    shadowing = List.copyOf(shadowing);
  }

  /// Nothing but registers that no capability describes.
  static MatchedQuirks hiding(List<HiddenBits> hiddenBits) {
    return new MatchedQuirks(
        hiddenBits,
        Optional.empty(),
        List.of(),
        List.of(),
        Optional.empty(),
        Optional.empty(),
        Optional.empty(),
        Optional.empty());
  }

  /// Hidden registers that overlap a range.
  List<ByteRange> hiddenIn(ByteRange range) {
    return hiddenBits.stream().map(HiddenBits::range).filter(range::overlaps).toList();
  }

  /// True if a capability may cover all of `place` although something lives there.
  boolean isShadowed(ByteRange place) {
    return shadowing.stream().anyMatch(range -> range.value().contains(place));
  }

  /// All of `weakestFirst` together: ranges add up, of single values the last one counts.
  static MatchedQuirks merge(List<Quirk> weakestFirst) {
    List<HiddenBits> hiddenBits = new ArrayList<>();
    List<Decision<ByteRange>> available = new ArrayList<>();
    List<Decision<ByteRange>> shadowing = new ArrayList<>();
    MatchedQuirks single = NONE;
    for (Quirk quirk : weakestFirst.reversed()) {
      MatchedQuirks weaker = quirk.effects();
      hiddenBits.addAll(weaker.hiddenBits);
      available.addAll(weaker.available);
      shadowing.addAll(weaker.shadowing);
      single = single.singleValuesOr(weaker);
    }
    hiddenBits.sort(HiddenBits.BY_OFFSET);
    return new MatchedQuirks(
        hiddenBits,
        single.pinnedOffset,
        available,
        shadowing,
        single.maxWidth,
        single.exec,
        single.priv,
        single.refusal);
  }

  private MatchedQuirks singleValuesOr(MatchedQuirks weaker) {
    return new MatchedQuirks(
        List.of(),
        pinnedOffset.or(() -> weaker.pinnedOffset),
        List.of(),
        List.of(),
        maxWidth.or(() -> weaker.maxWidth),
        exec.or(() -> weaker.exec),
        priv.or(() -> weaker.priv),
        refusal.or(() -> weaker.refusal));
  }
}
