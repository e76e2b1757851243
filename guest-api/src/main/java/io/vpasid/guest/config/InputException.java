package io.vpasid.guest.config;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/// Input that a command, or the daemon, cannot work with. The message is one line that says what
/// and what to do.
public final class InputException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public InputException(String message) {
    super(message);
  }

  /// @param cause why, if it was not the input alone
  public InputException(String message, Throwable cause) {
    super(message, cause);
  }

  /// A file of the user's choice that cannot be written.
  public static InputException unwritable(Path file, IOException e) {
    return new InputException(file + ": cannot be written: " + reason(file, e));
  }

  /// Why a file could not be read or written, without its name.
  public static String reason(Path file, IOException e) {
    return switch (e) {
      case NoSuchFileException _ -> "there is no such file or folder";
      case AccessDeniedException _ -> "permission denied";
      default -> String.valueOf(e.getMessage()).replace(file + ": ", "");
    };
  }
}
