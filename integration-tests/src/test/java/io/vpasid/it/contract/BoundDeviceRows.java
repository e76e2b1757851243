package io.vpasid.it.contract;

import io.vpasid.vmm.iommufd.BoundDevice;
import io.vpasid.vmm.iommufd.IoasId;
import org.junit.jupiter.api.BeforeEach;

/// Rows that begin with a bound device and an I/O address space.
abstract class BoundDeviceRows extends ContractRows {
  BoundDevice device;
  IoasId ioas;

  @BeforeEach
  void bindDevice() {
    device = bind(rig.device());
    ioas = iommufd.ioasAlloc();
  }
}
