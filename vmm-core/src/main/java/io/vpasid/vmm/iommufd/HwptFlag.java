package io.vpasid.vmm.iommufd;

/// A flag of IOMMU_HWPT_ALLOC.
public enum HwptFlag {
  /// IOMMU_HWPT_ALLOC_NEST_PARENT: other page tables will be nested on it.
  NEST_PARENT(1),
  /// IOMMU_HWPT_ALLOC_DIRTY_TRACKING: it can track dirty pages.
  DIRTY_TRACKING(2),
  /// IOMMU_HWPT_FAULT_ID_VALID: its page faults go to a queue.
  FAULT_ID_VALID(4),
  /// IOMMU_HWPT_ALLOC_PASID: it can be attached to PASIDs, and to devices that have PASIDs
  /// attached.
  PASID(8);

  private final int bit;

  HwptFlag(int bit) {
    this.bit = bit;
  }

  /// The flag's bit in `flags`.
  public int bit() {
    return bit;
  }
}
