package io.vpasid.vmm.iommufd.simulated;

import io.vpasid.vmm.iommufd.ContractRig;
import io.vpasid.vmm.iommufd.IommufdContract;

/// The contract on the simulator as a kernel with its mock devices.
class SimulatedMockContractTest extends IommufdContract {
  @Override
  protected ContractRig rig() {
    return new SimulatedRig(IommuProfile.mock());
  }
}
