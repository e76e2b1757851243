package io.vpasid.vmm.iommufd.simulated;

import io.vpasid.pci.PciAddress;
import io.vpasid.vmm.iommufd.HwptId;
import io.vpasid.vmm.iommufd.Pasid;

/// A change in what the simulated IOMMU translates.
public sealed interface HardwareChange {

  /// The function that it is about.
  PciAddress function();

  /// The PASID that it is about; 0 for the function itself.
  Pasid pasid();

  /// Translation through a page table.
  ///
  /// @param function the function that it is about
  /// @param pasid the PASID that it is about
  /// @param pageTable which page table
  record Translated(PciAddress function, Pasid pasid, HwptId pageTable) implements HardwareChange {}

  /// No DMA at all.
  ///
  /// @param function the function that it is about
  /// @param pasid the PASID that it is about
  record Blocked(PciAddress function, Pasid pasid) implements HardwareChange {}
}
