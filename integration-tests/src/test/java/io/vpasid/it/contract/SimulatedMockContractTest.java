package io.vpasid.it.contract;

import io.vpasid.vmm.iommufd.simulated.IommuProfile;

/// The contract on the simulator as a kernel with its mock devices.
class SimulatedMockContractTest extends IommufdContract {
  @Override
  ContractRig rig() {
    return new SimulatedRig(IommuProfile.mock());
  }
}
