package io.vpasid.synth.quirk;

import io.vpasid.synth.json.JsonFileException;
import java.util.Locale;

/// Something in a quirk file that is wrong, or that its author may not have meant.
///
/// @param severity how bad it is
/// @param rule which rule found it
/// @param layer the quirk's layer
/// @param file the file
/// @param line the line where the quirk starts, from 1; 0 for the file as a whole
/// @param column the column where the quirk starts, from 1; 0 for the file as a whole
/// @param message what was found and what to do, in one line
public record LintFinding(
    Severity severity,
    LintRule rule,
    String layer,
    String file,
    int line,
    int column,
    String message) {

  /// The severity of a finding.
  public enum Severity {
    /// The quirk cannot be used or does harm.
    ERROR,
    /// The quirk probably does not do what it was written for.
    WARNING,
    /// Worth knowing.
    NOTE
  }

  /// A file that cannot be read, as a finding.
  ///
  /// @param layer the layer that the file was read for
  static LintFinding of(JsonFileException e, String layer) {
    return new LintFinding(
        Severity.ERROR, LintRule.UNREADABLE, layer, e.file(), e.line(), e.column(), e.problem());
  }

  /// Something about a quirk.
  ///
  /// @param what goes on after the quirk's id
  static LintFinding of(Severity severity, LintRule rule, Quirk quirk, String what) {
    return new LintFinding(
        severity,
        rule,
        quirk.source().layer(),
        quirk.source().file(),
        quirk.line(),
        quirk.column(),
        quirk.id() + ' ' + what);
  }

  /// As compilers write it: `site.json:7:5: warning: … [never-counts]`.
  @Override
  public String toString() {
    return "%s: %s: %s [%s]"
        .formatted(
            line > 0 ? file + ":" + line + ":" + column : file,
            severity.name().toLowerCase(Locale.ROOT),
            message,
            rule);
  }
}
