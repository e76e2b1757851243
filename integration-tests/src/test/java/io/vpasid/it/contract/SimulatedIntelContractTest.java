package io.vpasid.it.contract;

import io.vpasid.vmm.iommufd.simulated.IommuProfile;

/// The contract on the simulator as a PC with Intel VT-d.
class SimulatedIntelContractTest extends IommufdContract {
  @Override
  ContractRig rig() {
    return new SimulatedRig(IommuProfile.intel());
  }
}
