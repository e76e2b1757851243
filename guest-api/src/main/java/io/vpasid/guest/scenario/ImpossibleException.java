package io.vpasid.guest.scenario;

import java.io.Serial;

/// A machine cannot do what a step asks for, so the scenario says nothing about it and is skipped.
public final class ImpossibleException extends RuntimeException {
  @Serial private static final long serialVersionUID = 1;

  /// @param message what it cannot do, and why
  public ImpossibleException(String message) {
    super(message);
  }
}
