package io.vpasid.it.endurance;

import io.vpasid.it.endurance.Series.Point;
import java.util.List;
import java.util.Locale;

/// Whether a quantity grows, by the slope of a least-squares line.
///
/// The first third of a process's life is left out, in which it warms up. What remains grows if the
/// slope exceeds what is allowed by more than three standard errors, which count neighbouring
/// samples as one as far as they move together, and if the line rises by enough to count.
sealed interface Verdict {
  /// Fewer samples than this, after the warm-up, are no life to judge.
  int LEAST_SAMPLES = 12;

  Series series();

  /// It keeps within what is allowed.
  record Holds(Series series, Line line) implements Verdict {
    @Override
    public String toString() {
      return text(series, line) + ": holds";
    }
  }

  /// It grows by more than is allowed.
  record Grows(Series series, Line line) implements Verdict {
    @Override
    public String toString() {
      return text(series, line) + ": GROWS";
    }
  }

  /// The process did not live long enough, or the quantity is drawn only.
  record Unjudged(Series series) implements Verdict {}

  static Verdict of(Series series) {
    Quantity quantity = series.quantity();
    List<Point> points = afterWarmUp(series.points());
    if (points.size() < LEAST_SAMPLES || quantity.perHour().isEmpty()) {
      return new Unjudged(series);
    }
    Line line = Line.through(points);
    boolean isSteep = line.perHour() - 3 * line.error() > quantity.perHour().getAsDouble();
    return isSteep && line.rise() > quantity.least()
        ? new Grows(series, line)
        : new Holds(series, line);
  }

  private static List<Point> afterWarmUp(List<Point> points) {
    if (points.isEmpty()) {
      return points;
    }
    double first = points.getFirst().hours();
    double from = first + (points.getLast().hours() - first) / 3;
    return points.stream().filter(point -> point.hours() >= from).toList();
  }

  private static String text(Series series, Line line) {
    Quantity quantity = series.quantity();
    double allowed = quantity.perHour().orElseThrow();
    return String.format(
        Locale.ROOT,
        "%-16s %-28s at %s, %+.2f an hour (± %.2f); allowed %s an hour, seen from %s an hour on",
        series.process(),
        quantity.title(),
        quantity.text(line.at(line.to())),
        line.perHour(),
        3 * line.error(),
        quantity.text(allowed),
        quantity.text(Math.max(allowed, quantity.least() / (line.to() - line.from()))));
  }
}
