package io.vpasid.guest.config;

/// The daemon cannot do what its configuration or a control command asks for. The message is one
/// line that says what and what to do.
public final class DaemonException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public DaemonException(String message) {
    super(message);
  }

  public DaemonException(String message, Throwable cause) {
    super(message, cause);
  }
}
