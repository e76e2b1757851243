package io.vpasid.vmm.frontend.vtd;

/// Page tables that a guest makes in its memory.
final class PageTables {
  /// P, R/W, U/S: what every first-stage entry on the way to a page of a process has.
  static final long USER = 7;

  /// R, W: what every second-stage entry on the way to a page has.
  static final long READ_WRITE = 3;

  /// PS: the entry maps a large page.
  static final long LARGE = 1 << 7;

  private final Guest guest;
  private final int levels;
  private final long inner;

  /// The address of the top table.
  final long top;

  /// A table without pages.
  ///
  /// @param levels 3 to 5
  /// @param inner flags of the entries that lead to tables
  PageTables(Guest guest, int levels, long inner) {
    this.guest = guest;
    this.levels = levels;
    this.inner = inner;
    top = guest.page();
  }

  static PageTables firstStage(Guest guest) {
    return new PageTables(guest, 4, USER);
  }

  static PageTables secondStage(Guest guest) {
    return new PageTables(guest, 4, READ_WRITE);
  }

  /// Maps a page.
  ///
  /// @param level 1 for 4 KiB, 2 for 2 MiB, 3 for 1 GiB; PS is not added
  /// @param entry the whole entry
  /// @return where the entry is
  long map(long address, int level, long entry) {
    long place = place(address, level);
    guest.store(place, entry);
    return place;
  }

  /// Where the entry of a level is; makes the tables above it.
  long place(long address, int level) {
    long table = top;
    for (int at = levels; ; at--) {
      long place = table + ((address >>> (12 + 9 * (at - 1))) & 511) * 8;
      if (at == level) {
        return place;
      }
      if (guest.load(place) == 0) {
        guest.store(place, guest.page() | inner);
      }
      table = guest.load(place) & 0xf_ffff_ffff_f000L;
    }
  }
}
