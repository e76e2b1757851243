package io.vpasid.vmm.frontend.nested;

/// Limits on the cost of one guest's shadowed page tables.
///
/// A domain whose page table goes beyond them is emptied, and its requesters are blocked with
/// ENOSPC.
///
/// @param tableEntries most entries that are looked at in one walk of one page table
/// @param mappings most mappings that all domains together have
public record Bounds(int tableEntries, int mappings) {
  /// A walk through 8 GiB of 4-KiB pages (about 100 ms), 2^18 mappings.
  public static final Bounds DEFAULT = new Bounds(1 << 21, 1 << 18);

  /// @throws IllegalArgumentException if one is not positive
  public Bounds {
    if (tableEntries <= 0 || mappings <= 0) {
      throw new IllegalArgumentException("A bound is more than 0.");
    }
  }
}
