package io.vpasid.guest.vfiouser;

import io.vpasid.vmm.linux.Errno;

/// What became of something that a client asked of a device.
public sealed interface Outcome {

  /// It is done.
  record Done() implements Outcome {
    private static final Done INSTANCE = new Done();
  }

  /// It is not done, and the device is as it was.
  ///
  /// @param errno what the client is told
  /// @param reason a sentence for the log; the protocol has no room for it
  record Failed(Errno errno, String reason) implements Outcome {}

  /// It is done.
  static Outcome done() {
    return Done.INSTANCE;
  }

  /// It is not done.
  static Outcome refused(Errno errno, String reason) {
    return new Failed(errno, reason);
  }
}
