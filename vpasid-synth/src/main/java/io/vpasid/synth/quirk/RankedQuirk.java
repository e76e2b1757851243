package io.vpasid.synth.quirk;

import java.util.Comparator;

/// A quirk and its place among all quirks of a table.
///
/// @param quirk the quirk
/// @param layer number of its layer, from 0 for the earliest
/// @param position number of the quirk in the table
record RankedQuirk(Quirk quirk, int layer, int position) {

  /// A quirk that matches a function.
  ///
  /// @param ranked the quirk
  /// @param specificity how specific the match is, as in [QuirkMatch]
  record Hit(RankedQuirk ranked, int specificity) {
    /// Hits of one quirk together, the most specific first.
    static final Comparator<Hit> BY_QUIRK =
        Comparator.<Hit>comparingInt(h -> h.ranked.position)
            .thenComparing(Comparator.comparingInt(Hit::specificity).reversed());

    /// Those whose single values count more come later.
    static final Comparator<Hit> BY_STRENGTH =
        Comparator.<Hit>comparingInt(h -> h.ranked.layer)
            .thenComparingInt(Hit::specificity)
            .thenComparingInt(h -> h.ranked.position);
  }
}
