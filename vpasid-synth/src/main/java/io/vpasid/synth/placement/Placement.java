package io.vpasid.synth.placement;

import io.vpasid.pci.ByteRange;
import java.util.List;

/// The hole that was chosen, and why.
///
/// @param range the bytes of the hole
/// @param strategy the way by which it was found
/// @param reasons what speaks for it, each a sentence
/// @param passedOver the places that were looked at before and not taken
public record Placement(
    ByteRange range, Strategy strategy, List<String> reasons, List<PassedOver> passedOver) {

  public Placement {
    reasons = List.copyOf(reasons);
    passedOver = List.copyOf(passedOver);
  }

  /// Offset of the first byte.
  public int offset() {
    return range.offset();
  }
}
