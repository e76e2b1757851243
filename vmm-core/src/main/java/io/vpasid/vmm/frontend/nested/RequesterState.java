package io.vpasid.vmm.frontend.nested;

import io.vpasid.vmm.frontend.vtd.Requester;
import io.vpasid.vmm.frontend.vtd.Translation;
import io.vpasid.vmm.iommufd.HwptId;
import org.jspecify.annotations.Nullable;

/// What the guest wants for one requester, and what the hardware does.
final class RequesterState {
  final CoveredFunction function;
  final Requester requester;

  /// What the guest's entry says.
  Translation wanted = Translation.Absent.ABSENT;

  /// Whether the guest's context entry lets it ask for pages.
  boolean pageRequests;

  /// What it is attached to, null if it is blocked.
  @Nullable Target attached;

  /// Whether the entry was changed since the last wait point.
  boolean changed;

  RequesterState(CoveredFunction function, Requester requester) {
    this.function = function;
    this.requester = requester;
  }

  /// What a requester can be attached to.
  sealed interface Target {
    HwptId pageTable();

    /// The guest's memory as it is.
    record Memory(HwptId pageTable) implements Target {}

    /// The guest's own page table, walked by the hardware.
    ///
    /// @param from what it was made from
    /// @param pageRequests whether its page requests come to the guest
    /// @param stale what is to be invalidated at the next wait point
    record Nested(
        HwptId pageTable,
        Translation.FirstStage from,
        boolean pageRequests,
        InvalidationBatch stale)
        implements Target {}

    /// A page table that is kept equal to the guest's.
    ///
    /// @param from what it was made from
    record Shadow(HwptId pageTable, Translation.SecondStage from, ShadowDomain domain)
        implements Target {}
  }
}
