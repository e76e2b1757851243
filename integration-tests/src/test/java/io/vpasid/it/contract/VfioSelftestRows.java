package io.vpasid.it.contract;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;

import io.vpasid.vmm.iommufd.BoundDevice;
import io.vpasid.vmm.iommufd.HwptId;
import io.vpasid.vmm.iommufd.IoasId;
import io.vpasid.vmm.iommufd.PageTableId;
import io.vpasid.vmm.linux.Errno;
import org.junit.jupiter.api.Test;

/// Scenarios V1 to V6, those of the kernel's VFIO selftests.
abstract class VfioSelftestRows extends ContractRows {
  @Test
  void v1BoundDeviceTellsItsInfo() {
    BoundDevice device = bind(rig.device());

    assertThat(device.info().regions()).isGreaterThanOrEqualTo(9);
    assertThat(device.info().irqs()).isEqualTo(5);
  }

  @Test
  void v2InfoBeforeBindFails() {
    abort("a device is bound as long as it is open here; RequestBytesTest has one that is not");
  }

  @Test
  void v3BindToNoFileFails() {
    abort("a context is always an open file here; RequestBytesTest binds to none");
  }

  @Test
  void v4SecondBindFails() {
    bind(rig.device());

    refused(Errno.EINVAL, () -> iommufd.bind(rig.device()));
  }

  @Test
  void v5AttachToAnIoasAndDetach() {
    BoundDevice device = bind(rig.device());
    IoasId ioas = iommufd.ioasAlloc();

    PageTableId chosen = device.attach(ioas);
    assertThat(chosen).isInstanceOf(HwptId.class);
    done(device::detach);
    notAttached(device, NONE);
  }

  @Test
  void v6AttachToNothingFails() {
    BoundDevice device = bind(rig.device());

    refused(Errno.ENOENT, () -> device.attach(new HwptId(0xffffffff)));
  }
}
