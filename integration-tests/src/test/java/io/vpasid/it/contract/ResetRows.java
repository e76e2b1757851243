package io.vpasid.it.contract;

import io.vpasid.pci.PciAddress;
import io.vpasid.vmm.iommufd.BoundDevice;
import io.vpasid.vmm.iommufd.Errno;
import org.junit.jupiter.api.Test;

/// A function is reset, and what is asked of it meanwhile.
abstract class ResetRows extends ContractRows {
  @Test
  void resetDuringAResetMustBeTriedAgain() throws Exception {
    BoundDevice device = bind(rig.deviceWithLongResets(), "reset that can be held");

    try (AutoCloseable _ = rig.beginReset()) {
      refused(Errno.EAGAIN, device::reset);
    }
    done(device::reset);
  }

  @Test
  void bindDuringAResetIsBusy() throws Exception {
    PciAddress device = need(rig.deviceWithLongResets(), "reset that can be held");

    try (AutoCloseable _ = rig.beginReset()) {
      refused(Errno.EBUSY, () -> iommufd.bind(device));
    }
    bind(device);
  }
}
