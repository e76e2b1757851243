package io.vpasid.vmm.frontend.nested;

import io.vpasid.vmm.frontend.vtd.Translation;
import io.vpasid.vmm.iommufd.IommufdBackend;
import org.jspecify.annotations.Nullable;

/// Nested page tables of one function that nothing is attached to, kept for a guest's entries that
/// come back: an address space that a PASID leaves and enters again, or that another PASID enters.
///
/// A page table of the kernel is no more than the guest's root and its attributes, and what the
/// hardware had cached of it went with its last attachment, so one that was kept is as good as new.
/// At most [#PLACES] are kept: a root has one place, and the page table that comes there last
/// stays.
final class SpareTables {
  /// A power of two.
  static final int PLACES = 16;

  private final Target.@Nullable Nested[] places = new Target.@Nullable Nested[PLACES];

  /// Takes the page table that serves an entry; null if there is none.
  ///
  /// @param pageRequests whether the requester may ask for pages
  Target.@Nullable Nested take(Translation.FirstStage wanted, boolean pageRequests) {
    int place = place(wanted);
    Target.Nested spare = places[place];
    if (spare == null || !spare.serves(wanted, pageRequests)) {
      return null;
    }
    places[place] = null;
    return spare;
  }

  /// Keeps a page table that nothing is attached to any more, and destroys the one in its place.
  void keep(IommufdBackend iommufd, Target.Nested table) {
    table.stale().clear();
    int place = place(table.from());
    Target.Nested before = places[place];
    places[place] = table;
    if (before != null) {
      iommufd.destroy(before.pageTable());
    }
  }

  /// Destroys all.
  void destroy(IommufdBackend iommufd) {
    for (int place = 0; place < PLACES; place++) {
      Target.Nested spare = places[place];
      if (spare != null) {
        places[place] = null;
        iommufd.destroy(spare.pageTable());
      }
    }
  }

  private static int place(Translation.FirstStage entry) {
    int hash = Long.hashCode(entry.table().pointer() >>> 12) * 0x9e3779b9;
    return hash >>> 28 & (PLACES - 1);
  }
}
