package io.vpasid.vmm.frontend.nested;

import io.vpasid.vmm.frontend.MappedGuestMemory.Range;
import java.lang.foreign.MemorySegment;
import java.util.Collection;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.TreeMap;

/// A guest's memory as this process has it mapped, so that parts of it can be mapped for DMA.
///
/// Any thread may ask. What was handed out stays mapped until [GuestPageTables#withdraw] was told
/// that it goes.
@FunctionalInterface
public interface HostMemory {

  /// The beginning of a piece of memory, or of a hole, at an address.
  ///
  /// @param address guest-physical, a multiple of 4096
  /// @param length how much of it is of interest, a positive multiple of 4096
  Piece at(long address, long length);

  /// A piece of memory, or a hole.
  ///
  /// @param memory the bytes, read-only if DMA may not write them; empty for a hole
  /// @param length a positive multiple of 4096, at most what was asked for
  record Piece(Optional<MemorySegment> memory, long length) {}

  /// Memory of these ranges; everything else is a hole.
  ///
  /// @param ranges that do not overlap
  static HostMemory of(Collection<Range> ranges) {
    NavigableMap<Long, Range> sorted = new TreeMap<>(Long::compareUnsigned);
    ranges.forEach(range -> sorted.put(range.address(), range));
    return (address, length) -> {
      Map.Entry<Long, Range> below = sorted.floorEntry(address);
      if (below != null) {
        MemorySegment segment = below.getValue().segment();
        long offset = address - below.getKey();
        if (Long.compareUnsigned(offset, segment.byteSize()) < 0) {
          long most = Math.min(length, segment.byteSize() - offset);
          return new Piece(Optional.of(segment.asSlice(offset, most)), most);
        }
      }
      Map.Entry<Long, Range> above = sorted.higherEntry(address);
      long hole = above == null ? length : above.getKey() - address;
      return new Piece(Optional.empty(), Long.compareUnsigned(hole, length) < 0 ? hole : length);
    };
  }
}
