package io.vpasid.guest.report;

import io.vpasid.synth.quirk.LintFinding.Severity;
import java.io.PrintWriter;
import java.util.List;

/// The findings of a command in files, for people, for programs and for services that show them
/// beside the lines.
public record Findings(List<Finding> all) {
  public Findings {
    all = List.copyOf(all);
  }

  public long count(Severity severity) {
    return all.stream().filter(f -> f.severity() == severity).count();
  }

  /// Prints them in a form that is nobody's own.
  ///
  /// @param format one of GITHUB, SARIF and GITLAB
  public void print(PrintWriter out, FindingFormat format) {
    switch (format) {
      case GITHUB -> all.forEach(f -> out.println(f.annotation()));
      case SARIF -> Json.print(out, Sarif.of(all));
      case GITLAB -> Json.print(out, CodeQuality.of(all));
      case TEXT, JSON -> throw new IllegalArgumentException("Every command has its own " + format);
    }
  }

  /// As in `1 error, 0 warnings, 2 notes`.
  public String summary() {
    return "%s, %s, %s"
        .formatted(
            counted(count(Severity.ERROR), "error"),
            counted(count(Severity.WARNING), "warning"),
            counted(count(Severity.NOTE), "note"));
  }

  public static String counted(long number, String what) {
    return number + " " + what + (number == 1 ? "" : "s");
  }
}
