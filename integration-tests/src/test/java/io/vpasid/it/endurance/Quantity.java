package io.vpasid.it.endurance;

import java.util.Locale;
import java.util.OptionalDouble;

/// What is sampled of a process, and how fast it may grow while the load stays the same.
///
/// A process that leaks grows for as long as it runs. One that warms up grows too, so growth by
/// less than [#least] in all is not taken for a leak; a run of two hours sees smaller ones than a
/// short one.
enum Quantity {
  HEAP("heap after GC", "MiB", 1, 2),
  RESIDENT("resident set", "MiB", 16, 16),
  MAPPINGS("memory mappings", "", 20, 40),
  DESCRIPTORS("descriptors", "", 4, 8),
  THREADS("threads", "", 2, 4),
  LATENCY("a neighbour's read, median", "µs", 1000, 2000),
  /// Drawn only: what else the machine does decides it.
  SLOW_LATENCY("a neighbour's read, 99th of 100", "µs"),
  /// All that was written since the start. Each logger may write 10 lines a second for long, and
  /// each function that is added has its own, so it grows with the load; without those limits one
  /// guest alone writes 200 times as much.
  LOG("log written", "MiB", 1000, 2);

  private final String title;
  private final String unit;
  private final double perHour;
  private final double least;

  Quantity(String title, String unit) {
    this(title, unit, Double.POSITIVE_INFINITY, Double.POSITIVE_INFINITY);
  }

  Quantity(String title, String unit, double perHour, double least) {
    this.title = title;
    this.unit = unit;
    this.perHour = perHour;
    this.least = least;
  }

  String title() {
    return title;
  }

  /// The most that it may grow in an hour; empty if it is not judged.
  OptionalDouble perHour() {
    return Double.isInfinite(perHour) ? OptionalDouble.empty() : OptionalDouble.of(perHour);
  }

  /// The least growth, over all the time that is judged, that counts.
  double least() {
    return least;
  }

  String text(double value) {
    String number =
        Math.abs(value) < 1000
            ? String.format(Locale.ROOT, "%.2f", value).replaceFirst("\\.?0+$", "")
            : String.format(Locale.ROOT, "%,.0f", value);
    return (number + " " + unit).strip();
  }
}
