package io.vpasid.it.endurance;

import io.vpasid.it.endurance.Series.Point;
import java.util.List;

/// The least-squares line through points.
///
/// @param from hours at the first point
/// @param to hours at the last
/// @param start value of the line at `from`
/// @param perHour its slope
/// @param error standard error of the slope
record Line(double from, double to, double start, double perHour, double error) {

  /// @param points at least 3, by ascending time, not all at the same
  static Line through(List<Point> points) {
    int count = points.size();
    double meanHours = points.stream().mapToDouble(Point::hours).average().orElseThrow();
    double mean = points.stream().mapToDouble(Point::value).average().orElseThrow();
    double spread = 0;
    double common = 0;
    for (Point point : points) {
      spread += square(point.hours() - meanHours);
      common += (point.hours() - meanHours) * (point.value() - mean);
    }
    double slope = common / spread;
    double squares = 0;
    double products = 0;
    double last = 0;
    for (Point point : points) {
      double residual = point.value() - mean - slope * (point.hours() - meanHours);
      squares += square(residual);
      products += residual * last;
      last = residual;
    }
    // Samples that move together tell less than as many that do not.
    double correlation = squares == 0 ? 0 : Math.clamp(products / squares, 0, 0.95);
    double independent = Math.max(3, count * (1 - correlation) / (1 + correlation));
    double error = Math.sqrt(squares / count * (count / (independent - 2)) / spread);
    double from = points.getFirst().hours();
    return new Line(
        from, points.getLast().hours(), mean + slope * (from - meanHours), slope, error);
  }

  double at(double hours) {
    return start + perHour * (hours - from);
  }

  /// From its first point to its last.
  double rise() {
    return at(to) - start;
  }

  private static double square(double value) {
    return value * value;
  }
}
