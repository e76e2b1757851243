package io.vpasid.it.endurance;

import io.vpasid.it.endurance.Series.Point;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;

/// All series as one picture in SVG: a panel for each quantity, from 0 up, over the hours of the
/// run. A line ends where a process did; what is judged has its least-squares line, red if it
/// grows.
final class Chart {
  private static final int COLUMNS = 2;
  private static final int PANEL_WIDTH = 460;
  private static final int PANEL_HEIGHT = 190;
  private static final int LEFT = 72;
  private static final int TOP = 34;
  private static final int PLOT_WIDTH = PANEL_WIDTH - LEFT - 20;
  private static final int PLOT_HEIGHT = PANEL_HEIGHT - TOP - 30;
  private static final String DAEMON = "#0b6e99";
  private static final String PROGRAM = "#d9730d";

  private final List<Verdict> verdicts;
  private final double hours;

  private Chart(List<Verdict> verdicts, double hours) {
    this.verdicts = verdicts;
    this.hours = hours;
  }

  /// @param hours that the run took
  static String svg(List<Verdict> verdicts, double hours) {
    return new Chart(verdicts, hours).draw();
  }

  private String draw() {
    Quantity[] quantities = Quantity.values();
    int rows = (quantities.length + COLUMNS - 1) / COLUMNS;
    StringBuilder panels = new StringBuilder();
    for (int i = 0; i < quantities.length; i++) {
      panels.append(
          String.format(
              Locale.ROOT,
              "<g transform=\"translate(%d %d)\">%n%s</g>%n",
              i % COLUMNS * PANEL_WIDTH,
              i / COLUMNS * PANEL_HEIGHT,
              panel(quantities[i])));
    }
    return String.format(
        Locale.ROOT,
        """
        <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="11">
        <rect width="100%%" height="100%%" fill="white"/>
        %s<text x="%d" y="%d"><tspan fill="%s">daemon</tspan>  <tspan fill="%s">embedding program</tspan>  hours of the run from left to right</text>
        </svg>
        """,
        COLUMNS * PANEL_WIDTH,
        rows * PANEL_HEIGHT + 24,
        panels,
        LEFT,
        rows * PANEL_HEIGHT + 12,
        DAEMON,
        PROGRAM);
  }

  private String panel(Quantity quantity) {
    List<Verdict> own =
        verdicts.stream().filter(verdict -> verdict.series().quantity() == quantity).toList();
    double most =
        own.stream()
            .flatMap(verdict -> verdict.series().points().stream())
            .mapToDouble(Point::value)
            .max()
            .orElse(0);
    double top = most > 0 ? most * 1.1 : 1;
    StringBuilder text =
        new StringBuilder(
            String.format(
                Locale.ROOT,
                """
                <text x="%d" y="20" font-size="13">%s</text>
                <path d="M%d %dv%dh%d" fill="none" stroke="#888"/>
                <text x="%d" y="%d" text-anchor="end">%s</text>
                <text x="%d" y="%d" text-anchor="end">0</text>
                <text x="%d" y="%d" text-anchor="end">%.2f h</text>
                """,
                LEFT,
                quantity.title(),
                LEFT,
                TOP,
                PLOT_HEIGHT,
                PLOT_WIDTH,
                LEFT - 4,
                TOP + 8,
                quantity.text(top),
                LEFT - 4,
                TOP + PLOT_HEIGHT,
                LEFT + PLOT_WIDTH,
                TOP + PLOT_HEIGHT + 14,
                hours));
    for (Verdict verdict : own) {
      boolean isDaemon = verdict.series().process().startsWith("daemon");
      text.append(
          line(
              verdict.series().points(), top, isDaemon ? DAEMON : PROGRAM, "stroke-width=\"1.5\""));
      fitted(verdict)
          .ifPresent(fit ->
              text.append(
                  line(
                      List.of(
                          new Point(fit.from(), fit.start()),
                          new Point(fit.to(), fit.at(fit.to()))),
                      top,
                      verdict instanceof Verdict.Grows ? "#c00" : "#333",
                      "stroke-dasharray=\"4 3\"")));
    }
    return text.toString();
  }

  private static Optional<Line> fitted(Verdict verdict) {
    return switch (verdict) {
      case Verdict.Holds(Series _, Line line) -> Optional.of(line);
      case Verdict.Grows(Series _, Line line) -> Optional.of(line);
      case Verdict.Unjudged _ -> Optional.empty();
    };
  }

  private String line(List<Point> points, double top, String colour, String more) {
    return points.stream()
        .map(point ->
            String.format(
                Locale.ROOT,
                "%.1f,%.1f",
                LEFT + PLOT_WIDTH * point.hours() / hours,
                TOP + PLOT_HEIGHT * (1 - point.value() / top)))
        .collect(
            Collectors.joining(
                " ",
                "<polyline points=\"",
                "\" fill=\"none\" stroke=\"" + colour + "\" " + more + "/>\n"));
  }
}
