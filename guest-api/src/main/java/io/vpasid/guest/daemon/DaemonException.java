package io.vpasid.guest.daemon;

/// The daemon cannot do what its configuration or a control command asks for. The message is one
/// line that says what and what to do.
public final class DaemonException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  DaemonException(String message) {
    super(message);
  }

  DaemonException(String message, Throwable cause) {
    super(message, cause);
  }
}
