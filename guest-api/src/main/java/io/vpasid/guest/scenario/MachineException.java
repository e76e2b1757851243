package io.vpasid.guest.scenario;

import java.io.Serial;

/// A machine cannot be made or has broken: the scenario fails where that happens.
public final class MachineException extends RuntimeException {
  @Serial private static final long serialVersionUID = 1;

  /// @param message what went wrong, and why
  public MachineException(String message, Throwable cause) {
    super(message, cause);
  }
}
