package io.vpasid.it.contract;

import io.vpasid.it.realkernel.InRealKernel;

/// The contract on Linux 7.3 with the devices that its iommufd makes up for tests, which nest,
/// track dirty pages and send page requests.
@InRealKernel(seconds = 600)
class KernelMockContractTest extends IommufdContract {
  @Override
  ContractRig rig() {
    return new KernelMockRig();
  }
}
