package io.vpasid.vmm.frontend.vtd;

import java.util.List;

/// An entry as it stands in the guest's memory, on the way from the root table to what translates a
/// requester's DMA.
///
/// @param table which table it is an entry of
/// @param address guest-physical
/// @param words as they were read, 64 bits each
public record GuestEntry(Table table, long address, List<Long> words) {

  /// Keeps a copy.
  public GuestEntry {
    words = List.copyOf(words);
  }

  /// The tables, from the root on.
  public enum Table {
    /// By bus number; in scalable mode half an entry.
    ROOT,
    /// By device and function number.
    CONTEXT,
    /// By PASID bits 19:6.
    DIRECTORY,
    /// By PASID bits 5:0.
    PASID
  }
}
