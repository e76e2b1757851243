package io.vpasid.vmm.frontend.vtd;

/// The way that a guest has the addresses in a requester's DMA translated: a decoded and checked
/// PASID table entry (section 9.6), or in legacy mode a context entry (section 9.3).
///
/// Domain ids are the guest's: entries with the same one share cached translations. A second stage
/// with the same id is the same page table, or the guest has made a mistake that the specification
/// leaves undefined.
public sealed interface Translation {

  /// Translation is off (GSTS.TES is 0): a function's DMA reaches the guest's memory as it is, and
  /// there are no PASIDs. So it is after reset, for firmware and drivers that know of no IOMMU.
  enum Untranslated implements Translation {
    /// The only value there is.
    UNTRANSLATED
  }

  /// No entry that is present and valid: DMA is blocked and makes a fault.
  enum Absent implements Translation {
    /// The only value there is.
    ABSENT
  }

  /// PGTT 1, first stage only. Table and output addresses are guest-physical.
  ///
  /// @param domainId DID, 16 bits
  /// @param table the first stage
  /// @param pageSnoop PGSNP: accesses snoop the CPU's caches whatever the request says
  /// @param pageWalkSnoop PWSNP: so do page walks
  record FirstStage(int domainId, FirstStageTable table, boolean pageSnoop, boolean pageWalkSnoop)
      implements Translation {}

  /// PGTT 2, second stage only; or translation type 0 or 1 of a legacy context entry.
  ///
  /// @param domainId DID, 16 bits
  /// @param table the second stage
  /// @param pageSnoop PGSNP
  /// @param pageWalkSnoop PWSNP
  record SecondStage(int domainId, SecondStageTable table, boolean pageSnoop, boolean pageWalkSnoop)
      implements Translation {}

  /// PGTT 3, nested: the first stage's tables and output are addresses that the second translates.
  ///
  /// @param domainId DID, 16 bits
  /// @param first the first stage
  /// @param second the second stage
  /// @param pageSnoop PGSNP
  /// @param pageWalkSnoop PWSNP
  record Nested(
      int domainId,
      FirstStageTable first,
      SecondStageTable second,
      boolean pageSnoop,
      boolean pageWalkSnoop)
      implements Translation {}

  /// PGTT 4, pass-through; or translation type 2 of a legacy context entry: addresses are
  /// guest-physical.
  ///
  /// @param domainId DID, 16 bits
  /// @param pageSnoop PGSNP
  record PassThrough(int domainId, boolean pageSnoop) implements Translation {}

  /// True if the requester's DMA can reach memory at all.
  default boolean isPresent() {
    return this != Absent.ABSENT;
  }
}
