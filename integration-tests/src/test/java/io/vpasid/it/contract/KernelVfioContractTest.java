package io.vpasid.it.contract;

import io.vpasid.it.realkernel.InRealKernel;

/// The contract on Linux 7.3 with a function behind VFIO.
@InRealKernel(seconds = 600)
class KernelVfioContractTest extends IommufdContract {
  @Override
  ContractRig rig() {
    return new KernelVfioRig();
  }
}
