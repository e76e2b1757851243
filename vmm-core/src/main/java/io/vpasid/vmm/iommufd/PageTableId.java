package io.vpasid.vmm.iommufd;

/// What a device or one of its PASIDs is attached to (`pt_id`): an IOAS or a hardware page table.
public sealed interface PageTableId extends HwptParentId permits IoasId, HwptId {}
