package io.vpasid.it.load;

import java.math.BigDecimal;
import java.math.MathContext;
import java.util.List;
import java.util.Locale;

/// Several measurements of one ratio or quantity.
record Spread(double least, double median, double most) {
  static Spread of(List<Double> values) {
    double[] sorted = values.stream().mapToDouble(value -> value).sorted().toArray();
    return new Spread(sorted[0], sorted[sorted.length / 2], sorted[sorted.length - 1]);
  }

  /// A single measurement.
  static Spread of(double value) {
    return new Spread(value, value, value);
  }

  /// The median with its unit, and the range if there is one: `4.5 µs (4.4 to 4.6)`.
  String text(String unit) {
    String middle = number(median) + unit;
    return least == most ? middle : "%s (%s to %s)".formatted(middle, number(least), number(most));
  }

  /// Two or three digits that mean something, grouped and without an exponent.
  static String number(double value) {
    double size = Math.abs(value);
    if (size >= 100) {
      double step = Math.pow(10, Math.floor(Math.log10(size)) - 2);
      return String.format(Locale.ROOT, "%,.0f", Math.rint(value / step) * step);
    }
    if (size == Math.rint(size)) {
      return String.format(Locale.ROOT, "%.0f", value);
    }
    if (size >= 10) {
      return String.format(Locale.ROOT, "%.1f", value);
    }
    if (size >= 0.001) {
      return String.format(Locale.ROOT, "%.3g", value);
    }
    return new BigDecimal(value, new MathContext(2)).toPlainString();
  }
}
