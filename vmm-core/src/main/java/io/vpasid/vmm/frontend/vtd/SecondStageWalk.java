package io.vpasid.vmm.frontend.vtd;

import static io.vpasid.vmm.frontend.vtd.Bits.has;
import static io.vpasid.vmm.frontend.vtd.Bits.mask;

import io.vpasid.vmm.frontend.GuestMemory;
import io.vpasid.vmm.frontend.GuestMemoryException;
import org.jspecify.annotations.Nullable;

/// Walks a second-stage page table (sections 3.7 and 9.8).
///
/// ```text
/// entry   63 62  52 51                    12 11 10  9   8   7  6  3 2  1  0
///        |ign|ign  |  address, the lower    |ign|ign| D | A | PS| ign |X| W| R |
///                     bits of a large page 0
/// levels  5: 56:48   4: 47:39   3: 38:30 (1 GiB with PS)   2: 29:21 (2 MiB with PS)   1: 20:12
/// ```
///
/// An entry with neither R nor W is not present. Rights are those that all entries on the way give.
/// With SSADE, A is set in each of them and D in the last if it is written through. The walk reads
/// at most 5 entries; if one of them changes before its bits are set, it begins anew, at most
/// [#MAX_TRIES] times. Belongs to one thread.
final class SecondStageWalk {
  /// How often a guest can change an entry under a walk before that is a fault.
  static final int MAX_TRIES = 16;

  private static final int ACCESSED = 1 << 8;
  private static final int DIRTY = 1 << 9;

  private final GuestMemory memory;
  private final int addressBits;
  private final long[] places = new long[5];
  private final long[] entries = new long[5];
  private int depth;
  private long output;
  private long span;

  SecondStageWalk(GuestMemory memory, VtdCapabilities capabilities) {
    this.memory = memory;
    addressBits = capabilities.addressBits();
  }

  /// Translates an address.
  ///
  /// @param snoops PWSNP, without which accessed and dirty bits cannot be set
  /// @param scalable the mode, which decides the reason's number
  /// @return why it cannot be translated; null if it can: then [#output] has where
  @Nullable FaultReason walk(
      SecondStageTable table, boolean snoops, boolean scalable, long address, boolean write) {
    if (address >>> Math.min(table.addressWidth(), addressBits) != 0) {
      return scalable ? FaultReason.ADDRESS_BEYOND_WIDTH : FaultReason.LEGACY_ADDRESS_BEYOND_WIDTH;
    }
    for (int i = 0; i < MAX_TRIES; i++) {
      FaultReason fault = descend(table, scalable, address, write);
      if (fault != null) {
        return fault;
      }
      if (!table.accessedDirty()) {
        return null;
      }
      try {
        if (mark(write, snoops)) {
          return null;
        }
      } catch (GuestMemoryException e) {
        return FaultReason.SECOND_STAGE_UPDATE_FAILED;
      }
      if (!snoops) {
        return FaultReason.SECOND_STAGE_NO_SNOOP;
      }
    }
    return FaultReason.SECOND_STAGE_UPDATE_FAILED;
  }

  private @Nullable FaultReason descend(
      SecondStageTable table, boolean scalable, long address, boolean write) {
    long at = table.pointer();
    long rights = 3;
    depth = 0;
    for (int level = (table.addressWidth() - 12) / 9; ; level--) {
      int shift = 12 + 9 * (level - 1);
      long place = at + ((address >>> shift) & 511) * 8;
      long entry;
      try {
        entry = memory.loadLong(place);
      } catch (GuestMemoryException e) {
        return unreadable(scalable);
      }
      places[depth] = place;
      entries[depth++] = entry;
      if ((entry & 3) == 0) {
        return scalable ? FaultReason.SECOND_STAGE_NOT_PRESENT : noRight(false, write);
      }
      boolean leaf = level == 1 || has(entry, 7);
      if (leaf && level > 1 && (level > 3 || (entry & mask(shift - 1, 12)) != 0)) {
        return scalable
            ? FaultReason.SECOND_STAGE_RESERVED
            : FaultReason.LEGACY_PAGING_ENTRY_RESERVED;
      }
      rights &= entry;
      if (scalable && rights == 0) {
        // No right is left, whatever further entries give (SSS.2).
        return FaultReason.SECOND_STAGE_NOT_PRESENT;
      }
      if (leaf) {
        if (!has(rights, write ? 1 : 0)) {
          return noRight(scalable, write);
        }
        span = 1L << shift;
        output = (entry & mask(51, shift)) | (address & (span - 1));
        return null;
      }
      at = entry & mask(51, 12);
    }
  }

  private FaultReason unreadable(boolean scalable) {
    if (scalable) {
      return depth == 0 ? FaultReason.SECOND_STAGE_POINTER : FaultReason.SECOND_STAGE_ACCESS;
    }
    return depth == 0 ? FaultReason.LEGACY_CONTEXT_INVALID : FaultReason.LEGACY_PAGING_ENTRY_ACCESS;
  }

  private static FaultReason noRight(boolean scalable, boolean write) {
    if (scalable) {
      return write ? FaultReason.NO_WRITE : FaultReason.NO_READ;
    }
    return write ? FaultReason.LEGACY_NO_WRITE : FaultReason.LEGACY_NO_READ;
  }

  /// Sets accessed and dirty bits.
  ///
  /// @return false if a bit had to be set and was not
  private boolean mark(boolean write, boolean snoops) throws GuestMemoryException {
    for (int i = 0; i < depth; i++) {
      long marked = entries[i] | ACCESSED | (write && i == depth - 1 ? DIRTY : 0);
      if (marked != entries[i]
          && !(snoops && memory.compareAndSetLong(places[i], entries[i], marked))) {
        return false;
      }
    }
    return true;
  }

  /// Where the address of the last walk is.
  long output() {
    return output;
  }

  /// Bytes of the page that it is in.
  long span() {
    return span;
  }
}
