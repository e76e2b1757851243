package io.vpasid.it.contract;

import io.vpasid.vmm.iommufd.BoundDevice;
import io.vpasid.vmm.linux.Errno;
import org.junit.jupiter.api.Test;

/// A function is reset, and what is asked of it meanwhile.
abstract class ResetRows extends ContractRows {
  @Test
  void resetDuringAResetMustBeTriedAgain() throws Exception {
    ContractRig.LongResets resets = need(rig.longResets(), "reset that can be held");
    BoundDevice device = bind(resets.device());

    try (AutoCloseable _ = resets.begin().call()) {
      refused(Errno.EAGAIN, device::reset);
    }
    done(device::reset);
  }

  @Test
  void bindDuringAResetIsBusy() throws Exception {
    ContractRig.LongResets resets = need(rig.longResets(), "reset that can be held");

    try (AutoCloseable _ = resets.begin().call()) {
      refused(
          ChangedErrno.BIND_DURING_RESET.in(rig.release()), () -> iommufd.bind(resets.device()));
    }
    bind(resets.device());
  }
}
