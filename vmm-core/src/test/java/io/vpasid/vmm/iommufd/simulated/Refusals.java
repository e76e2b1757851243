package io.vpasid.vmm.iommufd.simulated;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.vpasid.vmm.iommufd.IommufdException;
import io.vpasid.vmm.linux.Errno;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;

/// What the simulated kernel does not do.
final class Refusals {
  private Refusals() {}

  /// A request is refused with this errno.
  static void refused(Errno errno, ThrowingCallable request) {
    IommufdException refusal = catchThrowableOfType(IommufdException.class, request);
    assertThat(refusal).as("a refusal with " + errno).isNotNull();
    assertThat(refusal.errno()).isEqualTo(errno);
  }
}
