package io.vpasid.vmm.frontend.nested;

import io.vpasid.vmm.frontend.vtd.Requester;
import io.vpasid.vmm.frontend.vtd.Translation;

/// Hears what became of a guest's entries, on the thread of [GuestPageTables#sync]. What it throws
/// is logged.
@FunctionalInterface
public interface EntryListener {

  /// An entry was refused, and its requester is blocked.
  void refused(RefusedEntry entry);

  /// The hardware does what an entry says.
  ///
  /// @param now [Translation.Absent] if the entry has gone and its requester is blocked
  default void applied(Requester requester, Translation now) {}
}
