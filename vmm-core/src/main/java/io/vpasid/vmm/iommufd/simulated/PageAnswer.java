package io.vpasid.vmm.iommufd.simulated;

import io.vpasid.vmm.iommufd.Pasid;

/// Answer to a function for a group of its page requests.
///
/// @param pasid the PASID; 0 for a group without one
/// @param group page request group index
/// @param code as in [io.vpasid.vmm.iommufd.PageResponse#code]
public record PageAnswer(Pasid pasid, int group, int code) {}
