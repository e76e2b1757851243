package io.vpasid.vmm.pasid;

import io.vpasid.pci.PciAddress;
import io.vpasid.vmm.iommufd.PageTableId;
import java.util.Map;

/// An address space that guests may attach PASIDs to, as it was when it was looked up.
///
/// @param handle what guests and control clients call it, from 1
/// @param name what people call it
/// @param pageTables the functions that may use it, each with the page table that translates for
///   it; a page table belongs to one function's IOMMU, so each function has its own
public record AddressSpace(int handle, String name, Map<PciAddress, PageTableId> pageTables) {

  /// Keeps a copy.
  public AddressSpace {
    pageTables = Map.copyOf(pageTables);
  }
}
