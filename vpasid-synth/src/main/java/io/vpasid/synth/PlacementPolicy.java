package io.vpasid.synth;

import io.vpasid.pci.ByteRange;
import java.util.List;
import java.util.Optional;

/// Wishes of the user for the placement, beyond the quirks.
///
/// @param offset the offset to use; there or nowhere
/// @param available ranges to try before any other, in order
/// @param shadowing live bytes may be covered: those at `offset`, and without it those that a quirk
///   allows to shadow, where nothing else is left
public record PlacementPolicy(
    Optional<Integer> offset, List<ByteRange> available, boolean shadowing) {

  /// No wishes, no shadowing.
  public static final PlacementPolicy DEFAULT =
      new PlacementPolicy(Optional.empty(), List.of(), false);

  public PlacementPolicy {
    available = List.copyOf(available);
  }
}
