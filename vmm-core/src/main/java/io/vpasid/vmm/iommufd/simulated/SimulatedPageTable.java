package io.vpasid.vmm.iommufd.simulated;

import io.vpasid.vmm.iommufd.HwptData;
import io.vpasid.vmm.iommufd.PageTableId;

/// Origin of a hardware page table.
///
/// @param data what the guest says of it; [HwptData.None] for a paging one
/// @param on the IOAS, or the nest parent of a nested one
/// @param pasid whether it was made with PASID
/// @param nestParent whether it was made with NEST_PARENT
/// @param faults whether its page faults go to a queue
public record SimulatedPageTable(
    HwptData data, PageTableId on, boolean pasid, boolean nestParent, boolean faults) {}
