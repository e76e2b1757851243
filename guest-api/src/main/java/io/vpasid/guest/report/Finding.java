package io.vpasid.guest.report;

import com.fasterxml.jackson.annotation.JsonIgnore;
import io.vpasid.synth.quirk.LintFinding;
import io.vpasid.synth.quirk.LintFinding.Severity;

/// Something that is to be said of a place in a file.
///
/// @param rule the rule by which it was found, in words joined by hyphens
/// @param file the file's name
/// @param line from 1; 0 for the file as a whole
/// @param column from 1; 0 for the whole line
/// @param message what was found and what to do, in one line
/// @param about what the rule finds, in a sentence
public record Finding(
    Severity severity,
    String rule,
    String file,
    int line,
    int column,
    String message,
    @JsonIgnore String about) {

  /// The finding of a rule in a quirk file.
  public static Finding of(LintFinding finding) {
    return new Finding(
        finding.severity(),
        finding.rule().toString(),
        finding.file(),
        finding.line(),
        finding.column(),
        finding.message(),
        finding.rule().description());
  }

  /// The same, taken for something worse or better.
  public Finding as(Severity other) {
    return new Finding(other, rule, file, line, column, message, about);
  }

  /// As in `site.json:7:5`, as far as there is a line and a column.
  public String place() {
    return file + (line > 0 ? ":" + line : "") + (column > 0 ? ":" + column : "");
  }

  /// As compilers write it: `site.json:7:5: warning: … [never-counts]`.
  @Override
  public String toString() {
    return "%s: %s: %s [%s]".formatted(place(), Json.word(severity), message, rule);
  }

  /// A workflow command of GitHub Actions, which shows the message beside the line of the file:
  /// `::error file=acme.json,line=7,col=5,title=overlap::…`.
  String annotation() {
    String command =
        switch (severity) {
          case ERROR -> "error";
          case WARNING -> "warning";
          case NOTE -> "notice";
        };
    return "::%s file=%s%s%s,title=%s::%s"
        .formatted(
            command,
            property(file),
            line > 0 ? ",line=" + line : "",
            column > 0 ? ",col=" + column : "",
            property(rule),
            data(message));
  }

  private static String data(String text) {
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A");
  }

  private static String property(String text) {
    return data(text).replace(":", "%3A").replace(",", "%2C");
  }
}
