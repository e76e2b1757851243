package io.vpasid.vmm.iommufd;

/// What a hardware page table can be made on: an IOAS, a nest parent, or a virtual IOMMU.
public sealed interface HwptParentId extends ObjectId permits PageTableId, ViommuId {}
