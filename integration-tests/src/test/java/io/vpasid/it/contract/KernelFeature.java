package io.vpasid.it.contract;

import io.vpasid.vmm.iommufd.simulated.KernelVersion;
import io.vpasid.vmm.linux.Errno;

/// What rows of the contract need that not every release of Linux has. The one place that says how
/// the releases before refuse it.
@SuppressWarnings("ImmutableEnumChecker") // records of numbers
enum KernelFeature {
  /// Seen in Linux 6.12; its VFIO refuses the requests for PASIDs with EINVAL.
  PASIDS("page tables with HwptFlag.PASID", new KernelVersion(6, 15), Errno.EOPNOTSUPP),

  /// Seen in Linux 6.12, where only nested ones take one; by 7.2 all do.
  FAULTS_OF_PAGING_TABLES(
      "page tables on an IOAS with a fault queue", new KernelVersion(7, 2), Errno.EOPNOTSUPP),

  FILE_MAPPINGS("IOMMU_IOAS_MAP_FILE", new KernelVersion(6, 13), Errno.ENOTTY),

  VIRTUAL_IOMMUS("IOMMU_VIOMMU_ALLOC", new KernelVersion(6, 13), Errno.ENOTTY);

  private final String what;
  private final KernelVersion first;
  private final Errno refusal;

  /// @param what the request, or the part of one
  /// @param first the first release that has it
  /// @param refusal how those before refuse it
  KernelFeature(String what, KernelVersion first, Errno refusal) {
    this.what = what;
    this.first = first;
    this.refusal = refusal;
  }

  boolean isIn(KernelVersion release) {
    return release.compareTo(first) >= 0;
  }

  Errno refusal() {
    return refusal;
  }

  /// As in `IOMMU_IOAS_MAP_FILE (from Linux 6.13 on): ENOTTY`.
  @Override
  public String toString() {
    return what + " (from Linux " + first + " on): " + refusal;
  }
}
