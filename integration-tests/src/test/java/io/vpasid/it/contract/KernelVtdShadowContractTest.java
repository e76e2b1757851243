package io.vpasid.it.contract;

import io.vpasid.it.realkernel.GuestIommu;
import io.vpasid.it.realkernel.InRealKernel;

/// The contract on Linux 7.3 with a function behind a VT-d unit of ours, whose page tables are ones
/// of which a host has copies.
@InRealKernel(seconds = 900, iommu = GuestIommu.SHADOW)
class KernelVtdShadowContractTest extends IommufdContract {
  @Override
  ContractRig rig() {
    return new KernelVtdRig();
  }
}
