package io.vpasid.vmm.frontend.nested;

import io.vpasid.vmm.frontend.vtd.Translation;
import io.vpasid.vmm.iommufd.HwptId;

/// A page table of the host that a requester can be attached to.
sealed interface Target {
  HwptId pageTable();

  /// True if this is what a requester's entry asks for.
  ///
  /// @param pageRequests whether the requester may ask for pages
  boolean serves(Translation wanted, boolean pageRequests);

  /// The guest's memory as it is.
  record Memory(HwptId pageTable) implements Target {
    @Override
    public boolean serves(Translation wanted, boolean pageRequests) {
      return wanted instanceof Translation.PassThrough
          || wanted instanceof Translation.Untranslated;
    }
  }

  /// The guest's own page table, walked by the hardware.
  ///
  /// @param from what it was made from
  /// @param withPageRequests whether its page requests come to the guest
  /// @param stale what is to be invalidated at the next wait point
  record Nested(
      HwptId pageTable,
      Translation.FirstStage from,
      boolean withPageRequests,
      InvalidationBatch stale)
      implements Target {
    @Override
    public boolean serves(Translation wanted, boolean pageRequests) {
      return from.equals(wanted) && withPageRequests == pageRequests;
    }
  }

  /// A page table that is kept equal to the guest's.
  ///
  /// @param from what it was made from
  record Shadow(HwptId pageTable, Translation.SecondStage from, ShadowDomain domain)
      implements Target {
    @Override
    public boolean serves(Translation wanted, boolean pageRequests) {
      return from.equals(wanted);
    }
  }
}
