package io.vpasid.vmm.frontend.vtd;

/// The owner of a host's page tables, which does there what a unit reads in the guest's, and tells
/// it through [VtdReports] what the host has to say.
///
/// ## Order
///
/// The unit calls from its worker, one call at a time, in the order in which the guest asked: each
/// call ends before the next begins, and what one thread's call wrote the next call sees. No lock
/// of the unit is held, so an implementation may make system calls, and may call the unit's
/// [VtdReports] back from within.
///
/// What is told need not be done at once. [#sync] is the wait point: when it returns, the hardware
/// has done everything that was told before. Between two wait points an implementation may hold
/// back, join and reorder as long as the hardware ends up the same; so two changes of one entry
/// become one replace, and invalidations one request. The unit calls [#sync]
///
/// - before it completes a wait descriptor (status write or interrupt),
/// - before it answers a command in a register (GSTS, CCMD.ICC, IOTLB.IVT),
/// - when the invalidation queue has run empty without a wait descriptor, so that nothing is held
///   back for ever.
///
/// ## Who it is about
///
/// Only functions that the unit was told to cover. Each begins as [Translation.Untranslated] for
/// itself and [Translation.Absent] for every PASID; the first of these is told as an [EntryChange]
/// from [Translation.Absent] when the function comes under the unit. When it leaves, or the unit is
/// closed, everything about it is told to be [Translation.Absent], and [#sync] follows.
///
/// ## Refusals
///
/// A change that the host cannot make is no exception: the requester is left blocked, never on its
/// old page table, and the guest gets a fault through [VtdReports#attachRefused]. An exception is a
/// bug; the unit then stops the queue as a hardware error would (FSTS.ITE) and goes on working.
///
/// ## Cost
///
/// Calls that a guest can make often take numbers, not records, so that nothing is allocated.
public interface VtdBackend {
  /// For [#invalidateDeviceTlb]: without PASID.
  int NO_PASID = -1;

  /// A requester's DMA is to be translated otherwise. Told once for each change that the unit
  /// notices, and only if something differs from what was told before.
  ///
  /// The change includes the invalidations it needs: nothing of `before` may be used any more once
  /// it is done.
  void entryChanged(EntryChange change);

  /// Cached translations of all domains, with and without PASID, are void. The second-stage tables
  /// of the guest may have changed anywhere.
  void invalidateAll();

  /// Cached translations of a domain are void: first and second stage, all PASIDs.
  ///
  /// @param domainId 0 to 0xffff
  void invalidateDomain(int domainId);

  /// A domain's second-stage page table has changed in a range (IOTLB invalidation, page-selective
  /// within domain).
  ///
  /// @param domainId 0 to 0xffff
  /// @param address of the first page, a multiple of `pages` times 4096
  /// @param pages how many of 4096 bytes: a power of two
  /// @param leafOnly IH: only entries that map pages have changed, none that lead to tables
  void invalidatePages(int domainId, long address, long pages, boolean leafOnly);

  /// Cached first-stage and nested translations of a PASID in a domain are void.
  ///
  /// @param domainId 0 to 0xffff
  /// @param pasid 0 to 2^20 - 1; 0 for functions themselves
  void invalidatePasid(int domainId, int pasid);

  /// A first-stage page table of a PASID in a domain has changed in a range.
  ///
  /// @param domainId 0 to 0xffff
  /// @param pasid 0 to 2^20 - 1; 0 for functions themselves
  /// @param address of the first page, a multiple of `pages` times 4096
  /// @param pages how many of 4096 bytes: a power of two, at most 2^52
  /// @param leafOnly IH: only entries that map pages have changed, none that lead to tables
  void invalidatePasidPages(int domainId, int pasid, long address, long pages, boolean leafOnly);

  /// What a function has cached in its device TLB (ATS) is void in a range.
  ///
  /// @param function one that the unit covers
  /// @param pasid 0 to 2^20 - 1, or [#NO_PASID]
  /// @param address of the first page, a multiple of `pages` times 4096
  /// @param pages how many of 4096 bytes: a power of two, 2^52 for everything
  void invalidateDeviceTlb(SourceId function, int pasid, long address, long pages);

  /// Every page request that functions made before is to be in the guest's queue, and every
  /// response that was told before is to have reached its function, when the next [#sync] returns
  /// (the page-request drain of a wait descriptor, section 7.11).
  void drainPageRequests();

  /// The guest's answer to a group of page requests. It may be one that nobody asked for.
  void pageResponse(PageResponse response);

  /// The guest has been reset or has switched page requests off: no answer comes any more for those
  /// that were queued. Whoever waits has to be answered with [PageResponse.Code#INVALID_REQUEST].
  void pageRequestsDropped();

  /// The wait point: returns when the hardware has done everything that was told before, or has
  /// failed to and that has been reported. Takes as long as the hardware does.
  void sync();
}
