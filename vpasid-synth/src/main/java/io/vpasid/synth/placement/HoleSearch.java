package io.vpasid.synth.placement;

import java.util.List;

/// Result of a search for a hole.
public sealed interface HoleSearch {

  /// The places that were looked at and not taken, in the order of the search.
  List<PassedOver> passedOver();

  /// A hole was found.
  ///
  /// @param placement the hole
  record Found(Placement placement) implements HoleSearch {
    @Override
    public List<PassedOver> passedOver() {
      return placement.passedOver();
    }
  }

  /// There is none.
  ///
  /// @param passedOver what was looked at
  record NoHole(List<PassedOver> passedOver) implements HoleSearch {
    public NoHole {
      passedOver = List.copyOf(passedOver);
    }
  }
}
