package io.vpasid.vmm.iommufd.simulated;

import io.vpasid.vmm.iommufd.ContractRig;
import io.vpasid.vmm.iommufd.IommufdContract;

/// The contract on the simulator as a PC with Intel VT-d.
class SimulatedIntelContractTest extends IommufdContract {
  @Override
  protected ContractRig rig() {
    return new SimulatedRig(IommuProfile.intel());
  }
}
