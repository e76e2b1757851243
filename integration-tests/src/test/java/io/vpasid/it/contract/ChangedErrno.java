package io.vpasid.it.contract;

import io.vpasid.vmm.iommufd.simulated.KernelVersion;
import io.vpasid.vmm.linux.Errno;

/// Refusals of the contract for which not every release of Linux has the same errno. The one place
/// that says which has which.
@SuppressWarnings("ImmutableEnumChecker") // records of numbers
enum ChangedErrno {
  /// A function is bound while it is being reset: from 7.0 on the IOMMU's driver finds that out.
  BIND_DURING_RESET(Errno.EAGAIN, new KernelVersion(7, 0), Errno.EBUSY),

  /// A page table that is not nested is invalidated: from 6.13 on the target may be a virtual
  /// IOMMU, too, and is looked up before its kind is.
  INVALIDATION_OF_PAGING_TABLE(Errno.ENOENT, new KernelVersion(6, 13), Errno.EINVAL);

  private final Errno before;
  private final KernelVersion change;
  private final Errno after;

  /// @param change the first release with `after`
  ChangedErrno(Errno before, KernelVersion change, Errno after) {
    this.before = before;
    this.change = change;
    this.after = after;
  }

  Errno in(KernelVersion release) {
    return release.compareTo(change) < 0 ? before : after;
  }
}
