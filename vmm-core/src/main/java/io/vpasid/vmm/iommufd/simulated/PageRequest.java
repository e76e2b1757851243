package io.vpasid.vmm.iommufd.simulated;

import io.vpasid.vmm.iommufd.Pasid;

/// A page request that a function sends (PCI Express Base Specification 7.0, section 10.4.1).
///
/// @param pasid the PASID; 0 for a request without one
/// @param group page request group index
/// @param last whether it is the last of its group
/// @param permissions as in [io.vpasid.vmm.iommufd.PageFault#permissions]
/// @param address the page's address
public record PageRequest(Pasid pasid, int group, boolean last, int permissions, long address) {}
