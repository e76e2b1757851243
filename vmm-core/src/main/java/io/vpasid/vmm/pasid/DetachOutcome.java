package io.vpasid.vmm.pasid;

import io.vpasid.vmm.iommufd.PageTableId;

/// Outcome of a request to detach a PASID.
public sealed interface DetachOutcome
    permits DetachOutcome.Detached, DetachOutcome.NotAttached, Refused {

  /// The PASID was attached and is free now.
  ///
  /// @param previous what it was attached to
  record Detached(PageTableId previous) implements DetachOutcome, PasidOutcome {}

  /// The PASID was not attached, so nothing had to be done.
  record NotAttached() implements DetachOutcome {}
}
