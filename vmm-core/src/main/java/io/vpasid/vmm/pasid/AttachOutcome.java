package io.vpasid.vmm.pasid;

import io.vpasid.vmm.iommufd.PageTableId;

/// Outcome of a request to attach a PASID.
public sealed interface AttachOutcome extends PasidOutcome
    permits AttachOutcome.Attached, AttachOutcome.Replaced, Refused {

  /// The PASID was free and is attached now.
  ///
  /// @param pageTable what it is attached to
  record Attached(PageTableId pageTable) implements AttachOutcome {}

  /// The PASID was attached and is attached to another page table now, or still to the same.
  ///
  /// @param previous what it was attached to
  /// @param pageTable what it is attached to
  record Replaced(PageTableId previous, PageTableId pageTable) implements AttachOutcome {}
}
