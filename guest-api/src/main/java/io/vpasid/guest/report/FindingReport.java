package io.vpasid.guest.report;

import io.vpasid.synth.quirk.LintFinding;
import java.io.PrintWriter;
import java.util.List;
import java.util.Map;

/// Findings in quirk files, for people, programs and GitHub.
public final class FindingReport {

  /// How findings are printed.
  public enum Format {
    TEXT,
    JSON,
    GITHUB
  }

  private FindingReport() {}

  public static void print(PrintWriter out, Format format, List<LintFinding> findings) {
    for (LintFinding finding : findings) {
      out.println(format == Format.GITHUB ? annotation(finding) : finding.toString());
    }
  }

  private static String annotation(LintFinding finding) {
    String command =
        switch (finding.severity()) {
          case ERROR -> "error";
          case WARNING -> "warning";
          case NOTE -> "notice";
        };
    return annotation(
        command,
        finding.file(),
        finding.line(),
        finding.column(),
        finding.rule(),
        finding.message());
  }

  /// A workflow command of GitHub Actions, which shows the message beside the line of the file:
  /// `::error file=acme.json,line=7,col=5,title=overlap::…`.
  ///
  /// @param line from 1; 0 for the file as a whole
  /// @param column from 1; 0 for the whole line
  static String annotation(
      String command, String file, int line, int column, String title, String message) {
    StringBuilder text = new StringBuilder("::" + command + " file=" + property(file));
    if (line > 0) {
      text.append(",line=").append(line);
    }
    if (column > 0) {
      text.append(",col=").append(column);
    }
    return text.append(",title=")
        .append(property(title))
        .append("::")
        .append(data(message))
        .toString();
  }

  private static String data(String text) {
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A");
  }

  private static String property(String text) {
    return data(text).replace(":", "%3A").replace(",", "%2C");
  }

  public static Map<String, Object> toJson(LintFinding finding) {
    Map<String, Object> json = Json.object();
    json.put("severity", Json.word(finding.severity()));
    json.put("rule", finding.rule());
    json.put("file", finding.file());
    json.put("line", finding.line());
    json.put("column", finding.column());
    json.put("message", finding.message());
    return json;
  }

  public static long count(List<LintFinding> findings, LintFinding.Severity severity) {
    return findings.stream().filter(f -> f.severity() == severity).count();
  }

  /// As in `1 error, 0 warnings, 2 notes`.
  public static String summary(List<LintFinding> findings) {
    return counted(count(findings, LintFinding.Severity.ERROR), "error")
        + ", "
        + counted(count(findings, LintFinding.Severity.WARNING), "warning")
        + ", "
        + counted(count(findings, LintFinding.Severity.NOTE), "note");
  }

  public static String counted(long number, String what) {
    return number + " " + what + (number == 1 ? "" : "s");
  }
}
