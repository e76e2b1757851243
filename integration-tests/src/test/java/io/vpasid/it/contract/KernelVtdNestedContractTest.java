package io.vpasid.it.contract;

import io.vpasid.it.realkernel.GuestIommu;
import io.vpasid.it.realkernel.InRealKernel;

/// The contract on Linux 7.3 with a function behind a VT-d unit of ours, whose page tables are ones
/// that a host walks.
@InRealKernel(seconds = 900, iommu = GuestIommu.NESTED)
class KernelVtdNestedContractTest extends IommufdContract {
  @Override
  ContractRig rig() {
    return new KernelVtdRig();
  }
}
