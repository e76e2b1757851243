package io.vpasid.guest.emulator.vtd;

import java.io.Serial;

/// A driver cannot go on: the hardware does not do what its specification says, or the guest has no
/// memory left.
public final class DriverException extends RuntimeException {
  @Serial private static final long serialVersionUID = 1;

  DriverException(String message) {
    super(message);
  }
}
