package io.vpasid.it.load;

import java.util.ArrayList;
import java.util.List;

/// A quantity of ours beside the same of a baseline, measured in turn, and the ratios of the pairs.
///
/// @param unit of both, with a blank before it if one belongs there
record Comparison(Spread baseline, Spread ours, Spread ratio, String unit) {

  /// Collects what is measured in turn.
  static final class Pairs {
    private final List<Double> baselines = new ArrayList<>();
    private final List<Double> ours = new ArrayList<>();
    private final List<Double> ratios = new ArrayList<>();

    void add(double baseline, double own) {
      baselines.add(baseline);
      ours.add(own);
      ratios.add(own / baseline);
    }

    Comparison in(String unit) {
      return new Comparison(Spread.of(baselines), Spread.of(ours), Spread.of(ratios), unit);
    }
  }
}
