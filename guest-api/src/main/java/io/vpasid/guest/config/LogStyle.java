package io.vpasid.guest.config;

/// The style of the daemon's log.
///
/// @param format how lines look
/// @param level what is logged
public record LogStyle(Format format, Level level) {
  /// As the error stream wants it, from INFO on.
  public static final LogStyle DEFAULT = new LogStyle(Format.AUTO, Level.INFO);

  /// The form of lines.
  public enum Format {
    /// Text on a terminal, JSON otherwise.
    AUTO,
    /// For people.
    TEXT,
    /// One JSON object in each line.
    JSON
  }

  /// The least severe that is logged.
  public enum Level {
    /// Everything, every attachment too.
    DEBUG,
    /// Events of functions and clients.
    INFO,
    /// Things that somebody should look at.
    WARN,
    /// Failures.
    ERROR
  }
}
