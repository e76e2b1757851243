package io.vpasid.vmm.frontend.nested;

import io.vpasid.vmm.frontend.GuestMemory;
import io.vpasid.vmm.frontend.GuestMemoryException;
import io.vpasid.vmm.frontend.vtd.SecondStageTable;
import io.vpasid.vmm.iommufd.IovaAccess;
import java.util.ArrayList;
import java.util.List;

/// Mappings of a guest's second-stage page table in a range (section 9.8).
///
/// ```text
///  63 62       52 51                    12 11    8   7      2   1   0
/// |  | ignored   | address               | ign. | PS |    | X | W | R |
/// ```
///
/// An entry without R and W is not present. PS ends the walk at 1 GiB or 2 MiB. Rights are those
/// that all levels give. Where hardware would make a fault, nothing is mapped: tables that are no
/// memory, and PS in a level above. The guest may write meanwhile, and may have made loops; each
/// entry is loaded once, and there are as many as the bound allows.
final class SecondStageWalk {
  private static final int READ = 1;
  private static final int WRITE = 1 << 1;
  private static final int PAGE_SIZE = 1 << 7;
  private static final long ADDRESS = 0x000f_ffff_ffff_f000L;
  private static final int ENTRIES = 512;
  private static final int LEVELS = 5;
  private static final int GIGABYTES = 3;

  private final GuestMemory memory;
  private final int bound;
  private final long[][] tables = new long[LEVELS + 1][ENTRIES];
  private List<Run> runs = new ArrayList<>();
  private int entries;

  /// @param bound most entries of one walk
  SecondStageWalk(GuestMemory memory, int bound) {
    this.memory = memory;
    this.bound = bound;
  }

  /// Pages that follow each other both in the guest's I/O addresses and in its memory, with the
  /// same rights.
  ///
  /// @param iova the first I/O address
  /// @param address guest-physical, of the first page
  /// @param length in bytes
  record Run(long iova, long address, long length, IovaAccess access) {
    long last() {
      return iova + (length - 1);
    }

    /// True if this run maps everything that another one does, and in the same way.
    boolean includes(long first, long last, long itsAddress, IovaAccess itsAccess) {
      return iova <= first
          && last <= last()
          && itsAddress - address == first - iova
          && access.equals(itsAccess);
    }
  }

  /// The page table asks for more than the bound allows.
  static final class BeyondBoundException extends Exception {
    private static final long serialVersionUID = 1;

    BeyondBoundException(String message) {
      super(message, null, false, false);
    }
  }

  /// Walks a table.
  ///
  /// @param first the first I/O address of the range
  /// @param last the last one; what the table cannot translate is left out
  /// @return what is mapped within the range, ascending
  List<Run> walk(SecondStageTable table, long first, long last) throws BeyondBoundException {
    runs = new ArrayList<>();
    entries = 0;
    long end = Math.min(last, (1L << table.addressWidth()) - 1);
    if (first <= end) {
      int level = (table.addressWidth() - 12) / 9;
      walk(table.pointer() & ADDRESS, level, 0, first, end, READ | WRITE);
    }
    return runs;
  }

  /// @param base the I/O address that the table's first entry translates
  private void walk(long table, int level, long base, long first, long last, int rights)
      throws BeyondBoundException {
    int shift = 12 + 9 * (level - 1);
    int from = (int) (Math.max(first - base, 0) >>> shift);
    int to = (int) Math.min((last - base) >>> shift, ENTRIES - 1);
    int count = to - from + 1;
    entries += count;
    if (entries > bound) {
      throw new BeyondBoundException(
          "its page table has more than " + bound + " entries to look at");
    }
    long[] words = tables[level];
    try {
      memory.loadLongs(table + from * 8L, words, count);
    } catch (GuestMemoryException e) {
      return;
    }
    for (int i = 0; i < count; i++) {
      long entry = words[i];
      int its = (int) entry & rights;
      if (((int) entry & (READ | WRITE)) == 0) {
        continue;
      }
      long iova = base + ((long) (from + i) << shift);
      if (level == 1 || ((entry & PAGE_SIZE) != 0 && level <= GIGABYTES)) {
        if (its != 0) {
          leaf(iova, entry & ADDRESS & -(1L << shift), 1L << shift, first, last, its);
        }
      } else if ((entry & PAGE_SIZE) == 0) {
        walk(entry & ADDRESS, level - 1, iova, first, last, its);
      }
    }
  }

  private void leaf(long iova, long address, long size, long first, long last, int rights) {
    long start = Math.max(iova, first);
    long length = Math.min(iova + size - 1, last) - start + 1;
    IovaAccess access = new IovaAccess((rights & READ) != 0, (rights & WRITE) != 0);
    long at = address + (start - iova);
    Run before = runs.isEmpty() ? null : runs.getLast();
    if (before != null
        && before.last() + 1 == start
        && before.address + before.length == at
        && before.access.equals(access)) {
      runs.set(
          runs.size() - 1, new Run(before.iova, before.address, before.length + length, access));
    } else {
      runs.add(new Run(start, at, length, access));
    }
  }
}
