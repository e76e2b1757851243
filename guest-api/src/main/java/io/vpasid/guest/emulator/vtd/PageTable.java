package io.vpasid.guest.emulator.vtd;

import java.util.Locale;
import java.util.OptionalLong;

/// A page table of four levels in the guest's memory: of a process, in the format of its CPU (first
/// stage), or of an I/O address space (second stage).
///
/// ```text
/// first stage   63:52 | 51:12 address | … | D 6 | A 5 | … | U/S 2 | R/W 1 | P 0 |
/// second stage  63:52 | 51:12 address | …                       | W 1 | R 0 |
/// ```
public final class PageTable {
  private static final int LEVELS = 4;
  private static final long ADDRESS = 0xf_ffff_ffff_f000L;
  private static final int WRITE = 2;

  /// P and U/S, or R.
  private final int present;

  private final Stage stage;
  private final int domain;
  private final GuestPages pages;
  private final long top;
  private int mapped;

  /// The stage of translation, by who walks it.
  public enum Stage {
    /// CPUs as well as the IOMMU.
    FIRST,
    /// The IOMMU alone.
    SECOND
  }

  PageTable(Stage stage, int domain, GuestPages pages) {
    this.stage = stage;
    this.domain = domain;
    this.pages = pages;
    present = stage == Stage.FIRST ? 5 : 1;
    top = pages.take();
  }

  Stage stage() {
    return stage;
  }

  /// The domain id of the entries that point to it.
  int domain() {
    return domain;
  }

  /// The address of its top table.
  long top() {
    return top;
  }

  /// Maps a new page, zeros, or changes the right to write one that is mapped.
  public void map(long address, boolean writable) {
    long table = top;
    for (int level = LEVELS; level > 1; level--) {
      long place = place(table, address, level);
      long entry = pages.load(place);
      if (entry == 0) {
        entry = pages.take() | present | WRITE;
        pages.store(place, entry);
      }
      table = entry & ADDRESS;
    }
    long place = place(table, address, 1);
    long entry = pages.load(place);
    long page = entry == 0 ? pages.take() : entry & ADDRESS;
    mapped += entry == 0 ? 1 : 0;
    pages.store(place, page | present | (writable ? WRITE : 0));
  }

  /// Unmaps a page.
  ///
  /// @return whether it was mapped
  public boolean unmap(long address) {
    OptionalLong leaf = leaf(address);
    if (leaf.isEmpty() || pages.load(leaf.getAsLong()) == 0) {
      return false;
    }
    long entry = pages.load(leaf.getAsLong());
    pages.store(leaf.getAsLong(), 0);
    pages.giveBack(entry & ADDRESS);
    mapped--;
    return true;
  }

  /// The number of bytes that it maps.
  public long mapped() {
    return (long) mapped * GuestPages.PAGE;
  }

  /// Where an address is in the guest's memory; empty if nothing is mapped there.
  public OptionalLong find(long address) {
    OptionalLong leaf = leaf(address);
    if (leaf.isEmpty()) {
      return leaf;
    }
    long entry = pages.load(leaf.getAsLong());
    return entry == 0
        ? OptionalLong.empty()
        : OptionalLong.of((entry & ADDRESS) | (address & (GuestPages.PAGE - 1)));
  }

  private OptionalLong leaf(long address) {
    long table = top;
    for (int level = LEVELS; level > 1; level--) {
      long entry = pages.load(place(table, address, level));
      if (entry == 0) {
        return OptionalLong.empty();
      }
      table = entry & ADDRESS;
    }
    return OptionalLong.of(place(table, address, 1));
  }

  private static long place(long table, long address, int level) {
    return table + (address >>> (12 + 9 * (level - 1)) & 511) * Long.BYTES;
  }

  /// `first stage at 0x123000`.
  @Override
  public String toString() {
    return "%s stage at 0x%x".formatted(stage.name().toLowerCase(Locale.ROOT), top);
  }
}
