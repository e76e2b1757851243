package io.vpasid.vmm.iommufd.simulated;

import io.vpasid.vmm.iommufd.IommufdException;
import io.vpasid.vmm.linux.Errno;

/// A negative return value on its way out of the simulated kernel; never leaves this package.
final class KernelError extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final int number;

  KernelError(Errno errno) {
    super(errno.name(), null, false, false);
    this.number = errno.number();
  }

  Errno errno() {
    return new Errno(number);
  }

  boolean is(Errno errno) {
    return number == errno.number();
  }

  /// The exception that the caller of the request sees.
  IommufdException of(Request request, String arguments) {
    return of(request, arguments, 0);
  }

  IommufdException of(Request request, String arguments, int completed) {
    return new IommufdException(errno(), request.uapiName(), arguments, completed);
  }
}
