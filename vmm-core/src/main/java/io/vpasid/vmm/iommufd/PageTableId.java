package io.vpasid.vmm.iommufd;

/// Id of an object to which a device or one of its PASIDs is attached (`pt_id`): an IOAS or a
/// hardware page table.
public sealed interface PageTableId extends HwptParentId permits IoasId, HwptId {}
