package io.vpasid.it.load;

import java.util.List;
import java.util.Locale;

/// How something grows with a number, as a table and as a picture with both axes logarithmic.
///
/// @param file name of the picture
/// @param title what grows
/// @param axis what it grows with
/// @param points at least two, by ascending number, all above 0
record Growth(String file, String title, String axis, List<Point> points) {
  private static final int WIDTH = 480;
  private static final int HEIGHT = 240;
  private static final int MARGIN = 60;

  /// One measurement.
  record Point(double number, double value) {}

  /// What one more of what is on the axis adds, between the first point and the last.
  double slope() {
    return slope(points.getFirst(), points.getLast());
  }

  /// Likewise between the last two points, where what comes once counts least.
  double lastSlope() {
    return slope(points.get(points.size() - 2), points.getLast());
  }

  private static double slope(Point from, Point to) {
    return (to.value - from.value) / (to.number - from.number);
  }

  String table() {
    boolean grows = points.getLast().value > 2 * points.getFirst().value;
    StringBuilder text = new StringBuilder();
    text.append("| ").append(axis).append(" | ").append(title);
    text.append(grows ? " | for each |\n|---|---|---|\n" : " |\n|---|---|\n");
    for (Point point : points) {
      text.append("| ").append(Spread.number(point.number));
      text.append(" | ").append(Spread.number(point.value));
      text.append(grows ? " | " + Spread.number(point.value / point.number) : "").append(" |\n");
    }
    return text.toString();
  }

  String svg() {
    double left = points.getFirst().number;
    double right = points.getLast().number;
    double low = points.stream().mapToDouble(Point::value).min().orElseThrow() / 2;
    double high = points.stream().mapToDouble(Point::value).max().orElseThrow() * 2;
    StringBuilder marks = new StringBuilder();
    StringBuilder line = new StringBuilder();
    for (Point point : points) {
      double x = MARGIN + (WIDTH - 2 * MARGIN) * share(point.number, left, right);
      double y = HEIGHT - MARGIN - (HEIGHT - 2 * MARGIN) * share(point.value, low, high);
      line.append(String.format(Locale.ROOT, "%.1f,%.1f ", x, y));
      marks.append(
          String.format(
              Locale.ROOT,
              """
                <circle cx="%.1f" cy="%.1f" r="4" fill="#0b6e99"/>
                <text x="%.1f" y="%.1f" text-anchor="middle">%s</text>
                <text x="%.1f" y="%d" text-anchor="middle">%s</text>
              """,
              x,
              y,
              x,
              y - 10,
              Spread.number(point.value),
              x,
              HEIGHT - MARGIN + 18,
              Spread.number(point.number)));
    }
    return String.format(
        Locale.ROOT,
        """
        <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="11">
          <rect width="100%%" height="100%%" fill="white"/>
          <text x="%d" y="20" text-anchor="middle" font-size="13">%s</text>
          <text x="%d" y="%d" text-anchor="middle">%s</text>
          <path d="M%d %dV%dH%d" fill="none" stroke="#888"/>
          <polyline points="%s" fill="none" stroke="#0b6e99" stroke-width="2"/>
        %s</svg>
        """,
        WIDTH,
        HEIGHT,
        WIDTH / 2,
        title,
        WIDTH / 2,
        HEIGHT - 16,
        axis,
        MARGIN - 34,
        MARGIN - 20,
        HEIGHT - MARGIN,
        WIDTH - MARGIN + 20,
        line.toString().strip(),
        marks);
  }

  private static double share(double value, double from, double to) {
    return (Math.log(value) - Math.log(from)) / (Math.log(to) - Math.log(from));
  }
}
