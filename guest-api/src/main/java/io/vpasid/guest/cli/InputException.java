package io.vpasid.guest.cli;

/// Input that a command cannot work with. The message is one line that says what and what to do.
final class InputException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  InputException(String message) {
    super(message);
  }
}
