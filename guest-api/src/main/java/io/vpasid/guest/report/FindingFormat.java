package io.vpasid.guest.report;

/// The forms in which findings are printed.
public enum FindingFormat {
  /// A line for each, as compilers write it.
  TEXT,
  /// A document of the command's own.
  JSON,
  /// Annotations of GitHub Actions.
  GITHUB,
  /// SARIF 2.1.0, which GitHub's code scanning and many editors read.
  SARIF,
  /// GitLab's code quality report.
  GITLAB
}
