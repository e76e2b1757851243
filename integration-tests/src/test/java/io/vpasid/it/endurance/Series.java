package io.vpasid.it.endurance;

import java.util.List;

/// A quantity of one process, from its start to its end.
///
/// @param process what is judged, such as `daemon, life 3`
/// @param points by ascending time
record Series(String process, Quantity quantity, List<Point> points) {

  /// @param hours since the run began
  /// @param value in the quantity's unit
  record Point(double hours, double value) {}

  Series {
    points = List.copyOf(points);
  }
}
