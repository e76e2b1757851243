package io.vpasid.vmm.pasid;

import io.vpasid.vmm.iommufd.PageTableId;
import io.vpasid.vmm.iommufd.Pasid;

/// A bound function that takes every request and keeps nothing.
final class ForgetfulDevice extends PasidOnlyDevice {
  @Override
  public PageTableId attachPasid(Pasid pasid, PageTableId pageTable) {
    return pageTable;
  }

  @Override
  public void detachPasid(Pasid pasid) {}
}
