package io.vpasid.synth.quirk;

import io.vpasid.pci.ByteRange;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Stream;

/// What all quirks together say about one function.
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
  public static final MatchedQuirks NONE =
      new MatchedQuirks(
          List.of(),
          Optional.empty(),
          List.of(),
          List.of(),
          Optional.empty(),
          Optional.empty(),
          Optional.empty(),
          Optional.empty());

  public MatchedQuirks {
    hiddenBits = List.copyOf(hiddenBits);
    available = List.copyOf(available);
    shadowing = List.copyOf(shadowing);
  }

  /// Whether nothing is known.
  public boolean isEmpty() {
    return equals(NONE);
  }

  /// All of `weakestFirst` together: ranges add up, of single values the last one counts.
  static MatchedQuirks merge(List<MatchedQuirks> weakestFirst) {
    List<MatchedQuirks> strongestFirst = weakestFirst.reversed();
    return new MatchedQuirks(
        all(strongestFirst, MatchedQuirks::hiddenBits).sorted(HiddenBits.BY_OFFSET).toList(),
        first(strongestFirst, MatchedQuirks::pinnedOffset),
        all(strongestFirst, MatchedQuirks::available).toList(),
        all(strongestFirst, MatchedQuirks::shadowing).toList(),
        first(strongestFirst, MatchedQuirks::maxWidth),
        first(strongestFirst, MatchedQuirks::exec),
        first(strongestFirst, MatchedQuirks::priv),
        first(strongestFirst, MatchedQuirks::refusal));
  }

  private static <T> Stream<T> all(
      List<MatchedQuirks> quirks, Function<MatchedQuirks, List<T>> part) {
    return quirks.stream().flatMap(q -> part.apply(q).stream());
  }

  private static <T> Optional<T> first(
      List<MatchedQuirks> quirks, Function<MatchedQuirks, Optional<T>> part) {
    return quirks.stream().flatMap(q -> part.apply(q).stream()).findFirst();
  }
}
