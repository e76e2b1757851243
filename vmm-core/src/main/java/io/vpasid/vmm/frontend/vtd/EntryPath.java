package io.vpasid.vmm.frontend.vtd;

import io.vpasid.vmm.frontend.GuestMemory;
import io.vpasid.vmm.frontend.GuestMemoryException;
import java.util.ArrayList;
import java.util.List;

/// Reads the entries that lead to a requester's translation, for whoever looks: each as it is now,
/// whether it is valid or not, up to one that is not present or not in memory. At most four, 15
/// words. [TranslationTables] draws them.
final class EntryPath {
  private final GuestMemory memory;
  private final List<GuestEntry> entries = new ArrayList<>();

  private EntryPath(GuestMemory memory) {
    this.memory = memory;
  }

  /// The entries of a requester, from the root on.
  static List<GuestEntry> of(GuestMemory memory, RootTable root, Requester requester) {
    EntryPath path = new EntryPath(memory);
    try {
      path.read(root, requester);
    } catch (GuestMemoryException e) {
      // What was read so far is all there is.
    }
    return path.entries;
  }

  private void read(RootTable root, Requester requester) throws GuestMemoryException {
    SourceId function = requester.function();
    boolean scalable = root.isScalable();
    int half = scalable ? (function.deviceFunction() >>> 7) * 8 : 0;
    long context = next(GuestEntry.Table.ROOT, root.address() + function.bus() * 16L + half, 1);
    if (context == 0) {
      return;
    }
    long directory =
        scalable
            ? next(GuestEntry.Table.CONTEXT, context + (function.deviceFunction() & 127) * 32L, 4)
            : next(GuestEntry.Table.CONTEXT, context + function.deviceFunction() * 16L, 2);
    if (directory == 0 || !scalable) {
      return;
    }
    long table = next(GuestEntry.Table.DIRECTORY, directory + (requester.pasid() >>> 6) * 8L, 1);
    if (table != 0) {
      next(GuestEntry.Table.PASID, table + (requester.pasid() & 63) * 64L, 8);
    }
  }

  /// Reads an entry.
  ///
  /// @return where it points, 0 if it is not present
  private long next(GuestEntry.Table table, long address, int count) throws GuestMemoryException {
    long[] words = new long[count];
    memory.loadLongs(address, words, count);
    List<Long> copy = new ArrayList<>();
    for (long word : words) {
      copy.add(word);
    }
    entries.add(new GuestEntry(table, address, copy));
    return Bits.has(words[0], 0) ? words[0] & ~0xfffL : 0;
  }
}
