package io.vpasid.guest.config;

import io.vpasid.vmm.iommufd.simulated.IommuProfile;
import io.vpasid.vmm.iommufd.simulated.KernelVersion;
import io.vpasid.vmm.iommufd.simulated.SimulatedHost;

/// A simulated host that one function has for itself, so that nothing which happens to that host
/// concerns another function.
///
/// @param iommu the IOMMU that the function is behind
/// @param kernel the release of Linux
public record OwnHost(IommuProfile iommu, KernelVersion kernel) {
  /// The host of which nothing is said.
  static final OwnHost USUAL = new OwnHost(IommuProfile.intel(), KernelVersion.LINUX_7_3);

  public SimulatedHost build() {
    return SimulatedHost.builder().iommu(iommu).kernel(kernel).build();
  }
}
