package io.vpasid.synth;

import io.vpasid.synth.placement.PassedOver;
import io.vpasid.synth.placement.Placement;
import java.util.List;

/// Result for a [FurtherCapability].
public sealed interface FurtherResult {

  /// The capability that was asked for.
  FurtherCapability capability();

  /// It is shown.
  ///
  /// @param placement where, and why there
  /// @param link how it hangs in the list of extended capabilities
  record Placed(FurtherCapability capability, Placement placement, ChainLink link)
      implements FurtherResult {

    /// Offset of its first byte.
    public int offset() {
      return placement.offset();
    }
  }

  /// No place can hold it; the vPASID is shown without it.
  ///
  /// @param passedOver the places that were looked at
  record NoHole(FurtherCapability capability, List<PassedOver> passedOver)
      implements FurtherResult {

    public NoHole {
      passedOver = List.copyOf(passedOver);
    }
  }
}
