package io.vpasid.vmm.pasid;

import io.vpasid.vmm.iommufd.PageTableId;
import io.vpasid.vmm.iommufd.Pasid;

/// A PASID and what it is attached to.
///
/// @param pasid the PASID
/// @param pageTable what it is attached to
public record Attachment(Pasid pasid, PageTableId pageTable) {}
