package io.vpasid.vmm.frontend.nested;

import io.vpasid.vmm.iommufd.Invalidation.VtdS1.Entry;
import java.util.ArrayList;
import java.util.List;

/// The ranges of one nested page table that the hardware must forget at the next wait point. More
/// than a certain number of ranges is everything.
final class InvalidationBatch {
  /// Most ranges in one request.
  static final int MAX_ENTRIES = 256;

  /// From so many pages on it is everything: 2^40 pages are all of a 52-bit address space.
  private static final long EVERYTHING = 1L << 40;

  private static final int LEAF = 1;

  private final List<Entry> entries = new ArrayList<>();
  private boolean all;

  /// Adds everything.
  void addAll() {
    all = true;
    entries.clear();
  }

  /// Adds a range, unless it is the one that was added last.
  ///
  /// @param pages how many of 4096 bytes
  void add(long address, long pages, boolean leafOnly) {
    if (all) {
      return;
    }
    if (entries.size() == MAX_ENTRIES || pages >= EVERYTHING) {
      addAll();
      return;
    }
    Entry entry = new Entry(address, pages, leafOnly ? LEAF : 0);
    if (entries.isEmpty() || !entries.getLast().equals(entry)) {
      entries.add(entry);
    }
  }

  boolean isEmpty() {
    return !all && entries.isEmpty();
  }

  /// Takes everything out.
  List<Entry> take() {
    List<Entry> taken = all ? List.of(Entry.ALL) : List.copyOf(entries);
    clear();
    return taken;
  }

  /// Nothing is to be forgotten.
  void clear() {
    all = false;
    entries.clear();
  }
}
