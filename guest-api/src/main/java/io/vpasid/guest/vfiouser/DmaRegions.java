package io.vpasid.guest.vfiouser;

import io.vpasid.vmm.iommufd.Errno;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;

/// The windows of client memory that a device may use for DMA.
///
/// They are remembered, so that the client's mapping and unmapping is answered as it expects;
/// nothing is accessed through them.
final class DmaRegions {
  private final int limit;
  private final NavigableMap<Long, Window> windows = new TreeMap<>(Long::compareUnsigned);

  /// No windows yet.
  ///
  /// @param limit how many there may be
  DmaRegions(int limit) {
    this.limit = limit;
  }

  /// A window that the client mapped.
  ///
  /// @param address of its first byte, unsigned
  /// @param last address of its last byte, unsigned
  /// @param flags [Payload.DmaMap#READABLE], [Payload.DmaMap#WRITABLE]
  /// @param offset of the window in the file that came with it
  record Window(long address, long last, int flags, long offset) {}

  int count() {
    return windows.size();
  }

  /// Adds a window. One that overlaps another is refused with EEXIST, as the specification says.
  Outcome map(long address, long size, int flags, long offset) {
    long last = address + size - 1;
    if (size == 0 || Long.compareUnsigned(last, address) < 0) {
      return Outcome.refused(Errno.EINVAL, "The window is empty or runs past 2^64.");
    }
    Map.Entry<Long, Window> below = windows.floorEntry(last);
    if (below != null && Long.compareUnsigned(below.getValue().last, address) >= 0) {
      return Outcome.refused(Errno.EEXIST, "The window overlaps another.");
    }
    if (windows.size() >= limit) {
      return Outcome.refused(Errno.ENOSPC, "There are " + limit + " windows already.");
    }
    windows.put(address, new Window(address, last, flags, offset));
    return Outcome.done();
  }

  /// Removes the window with exactly this address and size, or all windows that lie within it: a
  /// client with a vIOMMU invalidates ranges without knowing what is mapped there, and a window
  /// that stayed behind would stand in the way of the next.
  Outcome unmap(long address, long size) {
    long last = address + size - 1;
    if (size == 0 || Long.compareUnsigned(last, address) < 0) {
      return Outcome.refused(Errno.EINVAL, "The range is empty or runs past 2^64.");
    }
    NavigableMap<Long, Window> within = windows.subMap(address, true, last, true);
    Map.Entry<Long, Window> below = windows.lowerEntry(address);
    boolean cutsBelow = below != null && Long.compareUnsigned(below.getValue().last, address) >= 0;
    boolean cutsAbove =
        !within.isEmpty() && Long.compareUnsigned(within.lastEntry().getValue().last, last) > 0;
    if (cutsBelow || cutsAbove) {
      return Outcome.refused(Errno.EINVAL, "The range cuts a window in two.");
    }
    if (within.isEmpty()) {
      return Outcome.refused(Errno.ENOENT, "Nothing is mapped there.");
    }
    within.clear();
    return Outcome.done();
  }

  /// Removes all windows.
  void clear() {
    windows.clear();
  }
}
