package io.vpasid.vmm.frontend.vtd;

/// That a guest has changed what happens to a requester's DMA.
///
/// `before` and `after` differ, or only the two flags, which belong to the function's context
/// entry, have changed.
///
/// @param requester whose DMA
/// @param before what the backend was last told, [Translation.Absent] if nothing
/// @param after what the guest wants now
/// @param deviceTlb DTE: the function may ask for translations and cache them (ATS)
/// @param pageRequests PRE: it may ask for pages (PRI)
public record EntryChange(
    Requester requester,
    Translation before,
    Translation after,
    boolean deviceTlb,
    boolean pageRequests) {}
