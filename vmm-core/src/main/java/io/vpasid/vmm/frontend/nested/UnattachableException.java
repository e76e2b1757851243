package io.vpasid.vmm.frontend.nested;

import io.vpasid.vmm.linux.Errno;

/// There is nothing that a requester could be attached to as its entry asks, or it may not be; it
/// is not the kernel that says so.
final class UnattachableException extends Exception {
  private static final long serialVersionUID = 1;

  private final Errno errno;
  private final String reason;

  /// @param errno the one that fits
  /// @param reason as a part of a sentence, without a full stop
  UnattachableException(Errno errno, String reason) {
    super(reason, null, false, false);
    this.errno = errno;
    this.reason = reason;
  }

  Errno errno() {
    return errno;
  }

  String reason() {
    return reason;
  }
}
