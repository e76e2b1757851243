package io.vpasid.vmm.frontend.vtd;

import static io.vpasid.vmm.frontend.vtd.Bits.has;
import static io.vpasid.vmm.frontend.vtd.Bits.mask;

import io.vpasid.vmm.frontend.GuestMemory;
import io.vpasid.vmm.frontend.GuestMemoryException;
import org.jspecify.annotations.Nullable;

/// Walks a first-stage page table, the format of an x86-64 CPU, alone or nested on a second stage
/// (sections 3.6, 3.8 and 9.7).
///
/// ```text
/// entry   63  62  52 51                    12 11 10 9 8  7   6   5  4 3  2   1   0
///        |XD |ign  |  address, the lower    |ign|EA|ign| PS| D | A |ign|U/S|R/W| P |
///                     bits of a large page 0; its bit 12 is ignored
/// levels  5: 56:48   4: 47:39   3: 38:30 (1 GiB with PS)   2: 29:21 (2 MiB with PS)   1: 20:12
/// ```
///
/// A is set in every entry on the way, D in the last if it is written through, EA in every one with
/// EAFE. Nested, the address of each table and of the page is one that the second stage translates.
/// At most 5 entries, and nested 5 × 5 + 5 second-stage ones, are read in a try, and there are at
/// most [SecondStageWalk#MAX_TRIES]. Belongs to one thread.
final class FirstStageWalk {
  private static final int ACCESSED = 1 << 5;
  private static final int DIRTY = 1 << 6;
  private static final int EXTENDED_ACCESSED = 1 << 10;

  private final GuestMemory memory;
  private final boolean hugePages;
  private final SecondStageWalk second;
  private final long[] guestPlaces = new long[5];
  private final long[] places = new long[5];
  private final long[] entries = new long[5];
  private int depth;
  private long output;
  private long span;

  FirstStageWalk(GuestMemory memory, VtdCapabilities capabilities, SecondStageWalk second) {
    this.memory = memory;
    this.second = second;
    hugePages = capabilities.hugeFirstStagePages();
  }

  /// Translates an address.
  ///
  /// @param nestedOn the second stage; null if there is none
  /// @param snoops PWSNP, without which accessed and dirty bits cannot be set
  /// @return why it cannot be translated; null if it can: then [#output] has where
  @Nullable FaultReason walk(
      FirstStageTable table,
      @Nullable SecondStageTable nestedOn,
      boolean snoops,
      long address,
      Access access) {
    int unused = 64 - table.addressWidth();
    if ((address << unused) >> unused != address) {
      return FaultReason.NOT_CANONICAL;
    }
    if (access.privileged() && !table.supervisorRequests()) {
      return FaultReason.SUPERVISOR_DISABLED;
    }
    for (int i = 0; i < SecondStageWalk.MAX_TRIES; i++) {
      FaultReason fault = descend(table, nestedOn, snoops, address, access);
      if (fault != null) {
        return fault;
      }
      try {
        if (!mark(table, access.write(), false)) {
          if (!snoops) {
            return FaultReason.FIRST_STAGE_NO_SNOOP;
          }
          fault = nestedOn == null ? null : writableTables(table, nestedOn, access.write());
          if (fault != null) {
            return fault;
          }
          if (!mark(table, access.write(), true)) {
            continue;
          }
        }
      } catch (GuestMemoryException e) {
        return FaultReason.FIRST_STAGE_UPDATE_FAILED;
      }
      return nestedOn == null ? null : throughSecond(nestedOn, snoops, access.write());
    }
    return FaultReason.FIRST_STAGE_UPDATE_FAILED;
  }

  private @Nullable FaultReason descend(
      FirstStageTable table,
      @Nullable SecondStageTable nestedOn,
      boolean snoops,
      long address,
      Access access) {
    long at = table.pointer();
    long rights = 6;
    depth = 0;
    for (int level = (table.addressWidth() - 12) / 9; ; level--) {
      int shift = 12 + 9 * (level - 1);
      long place = at + ((address >>> shift) & 511) * 8;
      guestPlaces[depth] = place;
      if (nestedOn != null) {
        FaultReason fault = second.walk(nestedOn, snoops, true, place, false);
        if (fault != null) {
          return tableFault(fault);
        }
        place = second.output();
      }
      long entry;
      try {
        entry = memory.loadLong(place);
      } catch (GuestMemoryException e) {
        return depth == 0 ? FaultReason.FIRST_STAGE_TOP_ACCESS : FaultReason.FIRST_STAGE_ACCESS;
      }
      places[depth] = place;
      entries[depth++] = entry;
      if (!has(entry, 0)) {
        return FaultReason.FIRST_STAGE_NOT_PRESENT;
      }
      boolean leaf = level == 1 || has(entry, 7);
      if (leaf && level > 1 && (!isLarge(level) || (entry & mask(shift - 1, 13)) != 0)) {
        return FaultReason.FIRST_STAGE_RESERVED;
      }
      rights &= entry;
      if (leaf) {
        span = 1L << shift;
        output = (entry & mask(51, shift)) | (address & (span - 1));
        return check(table, rights, access);
      }
      at = entry & mask(51, 12);
    }
  }

  private boolean isLarge(int level) {
    return level == 2 || (level == 3 && hugePages);
  }

  private static @Nullable FaultReason check(FirstStageTable table, long rights, Access access) {
    if (!access.privileged() && !has(rights, 2)) {
      return FaultReason.SUPERVISOR_PAGE;
    }
    return access.write() && !has(rights, 1) && (!access.privileged() || table.writeProtect())
        ? FaultReason.NO_WRITE
        : null;
  }

  /// The reason for a fault of the second stage that meets the address of a first-stage table.
  private FaultReason tableFault(FaultReason fault) {
    return switch (fault) {
      case ADDRESS_BEYOND_WIDTH -> FaultReason.FIRST_STAGE_BEYOND_WIDTH;
      case NO_READ ->
          depth == 0 ? FaultReason.FIRST_STAGE_TOP_NO_READ : FaultReason.FIRST_STAGE_NO_READ;
      case NO_WRITE -> FaultReason.FIRST_STAGE_NO_WRITE;
      default -> fault;
    };
  }

  /// The fault if the second stage does not let a table be written in which bits have to be set.
  private @Nullable FaultReason writableTables(
      FirstStageTable table, SecondStageTable nestedOn, boolean write) {
    for (int i = 0; i < depth; i++) {
      if (marked(table, write, i) != entries[i]) {
        FaultReason fault = second.walk(nestedOn, true, true, guestPlaces[i], true);
        if (fault != null) {
          return tableFault(fault);
        }
        if (second.output() != places[i]) {
          return FaultReason.FIRST_STAGE_UPDATE_FAILED;
        }
      }
    }
    return null;
  }

  private long marked(FirstStageTable table, boolean write, int i) {
    return entries[i]
        | ACCESSED
        | (table.extendedAccessed() ? EXTENDED_ACCESSED : 0)
        | (write && i == depth - 1 ? DIRTY : 0);
  }

  /// Sets accessed and dirty bits, or only says whether there are any to set.
  ///
  /// @return false if a bit had to be set and was not
  private boolean mark(FirstStageTable table, boolean write, boolean store)
      throws GuestMemoryException {
    for (int i = 0; i < depth; i++) {
      long marked = marked(table, write, i);
      if (marked != entries[i]
          && !(store && memory.compareAndSetLong(places[i], entries[i], marked))) {
        return false;
      }
    }
    return true;
  }

  private @Nullable FaultReason throughSecond(
      SecondStageTable nestedOn, boolean snoops, boolean write) {
    FaultReason fault = second.walk(nestedOn, snoops, true, output, write);
    output = second.output();
    span = Math.min(span, second.span());
    return fault;
  }

  /// Where the address of the last walk is.
  long output() {
    return output;
  }

  /// Bytes of the page that it is in, the smaller of the two stages'.
  long span() {
    return span;
  }
}
