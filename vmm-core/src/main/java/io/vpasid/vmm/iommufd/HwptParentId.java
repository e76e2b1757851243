package io.vpasid.vmm.iommufd;

/// Id of an object on which a hardware page table can be made: an IOAS, a nest parent, or a virtual
/// IOMMU.
public sealed interface HwptParentId extends ObjectId permits PageTableId, ViommuId {}
