package io.vpasid.guest.vfiouser;

import io.vpasid.vmm.linux.Errno;
import java.io.IOException;

/// A server answered a request with an error. The connection is as good as before.
///
/// The message is a sentence with the request and the error: `REGION_READ of region 7, 4 bytes at
/// 0x1000, was refused with EINVAL (22).`
public final class VfioUserException extends IOException {
  private static final long serialVersionUID = 1L;

  private final int number;

  VfioUserException(String request, Errno errno) {
    super(request + " was refused with " + errno + " (" + errno.number() + ").");
    this.number = errno.number();
  }

  /// What the server said; EINVAL if it said that the request failed, but not why.
  public Errno errno() {
    return new Errno(number);
  }
}
