package io.vpasid.vmm.iommufd.simulated;

import io.vpasid.vmm.iommufd.IovaAccess;
import io.vpasid.vmm.iommufd.IovaRanges;
import io.vpasid.vmm.iommufd.IovaRanges.Range;
import io.vpasid.vmm.linux.Errno;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/// The mappings of one IOAS, with what reserves IOVAs and what aligns them.
///
/// IOVAs are unsigned throughout. Pages are touched only while a page table follows the IOAS;
/// before that a mapping is a promise that may break later.
final class IovaMap {
  private static final long PAGE = 4096;

  /// Memory that is mapped, as far as its pages are available.
  interface Memory {
    /// Address modulo page size counts for alignment.
    long address();

    /// Makes its pages stay where they are.
    ///
    /// @throws KernelError EFAULT, EINVAL
    void pin();
  }

  /// Accounts for pinned bytes.
  interface Account {
    /// Counts bytes as pinned.
    ///
    /// @throws KernelError ENOMEM
    void take(long bytes);

    /// Counts bytes as pinned no more.
    void give(long bytes);
  }

  private record Area(long start, long last, Memory memory, IovaAccess access) {
    long length() {
      return last - start + 1;
    }
  }

  private record Reserved(Range range, Object owner) {}

  private final TreeMap<Long, Area> areas = new TreeMap<>(Long::compareUnsigned);
  private final List<Reserved> reserved = new ArrayList<>();
  private final Map<Object, IommuProfile> followers = new LinkedHashMap<>();
  private final Account account;
  private long alignment = 1;
  private long pinned;

  IovaMap(Account account) {
    this.account = account;
  }

  /// Maps at `iova`.
  void mapAt(long iova, Memory memory, long length, IovaAccess access) {
    checkLength(memory, length);
    if ((iova & alignment - 1) != 0) {
      throw new KernelError(Errno.EINVAL);
    }
    long last = iova + length - 1;
    if (Long.compareUnsigned(last, iova) < 0) {
      throw new KernelError(Errno.EOVERFLOW);
    }
    if (isReserved(iova, last)) {
      throw new KernelError(Errno.EINVAL);
    }
    if (firstArea(iova, last) != null) {
      throw new KernelError(Errno.EEXIST);
    }
    insert(new Area(iova, last, memory, access));
  }

  /// Maps where there is room, but never at 0.
  long map(Memory memory, long length, IovaAccess access) {
    checkLength(memory, length);
    if (Long.compareUnsigned(length, Long.MAX_VALUE) >= 0) {
      throw new KernelError(Errno.EOVERFLOW);
    }
    long size = Long.highestOneBit(length - 1) << 1;
    long align = Math.max(size, 1);
    long address = memory.address();
    if (address != 0) {
      align = Math.min(align, Long.lowestOneBit(address));
    }
    if (align < alignment) {
      throw new KernelError(Errno.EINVAL);
    }
    long iova = findRoom(length, align, address % PAGE);
    insert(new Area(iova, iova + length - 1, memory, access));
    return iova;
  }

  /// The checks of both requests, in their order, before the IOAS is looked up.
  static void checkArguments(long iova, long length, IovaAccess access) {
    if (iova == -1 || length == -1) {
      throw new KernelError(Errno.EOVERFLOW);
    }
    if (!access.readable() && !access.writeable()) {
      throw new KernelError(Errno.EINVAL);
    }
  }

  private void checkLength(Memory memory, long length) {
    long address = memory.address();
    if (Long.compareUnsigned(address + length, address) < 0) {
      throw new KernelError(Errno.EOVERFLOW);
    }
    if (length == 0 || (length & alignment - 1) != 0) {
      throw new KernelError(Errno.EINVAL);
    }
  }

  private void insert(Area area) {
    if ((area.memory.address() % PAGE & alignment - 1) != 0) {
      throw new KernelError(Errno.EINVAL);
    }
    if (!followers.isEmpty()) {
      pin(area);
    }
    areas.put(area.start, area);
  }

  private void pin(Area area) {
    area.memory.pin();
    account.take(area.length());
    pinned += area.length();
  }

  private long findRoom(long length, long align, long offset) {
    long from = PAGE;
    long limit = -1 - PAGE;
    while (true) {
      long start = ((from + align - 1) & -align) | offset;
      long last = start + length - 1;
      if (Long.compareUnsigned(start, from) < 0
          || Long.compareUnsigned(last, start) < 0
          || Long.compareUnsigned(last, limit) > 0) {
        throw new KernelError(Errno.ENOSPC);
      }
      long behind = endOfUsed(start, last);
      if (behind == 0) {
        return start;
      }
      if (behind == -1) {
        throw new KernelError(Errno.ENOSPC);
      }
      from = behind + 1;
    }
  }

  /// Last IOVA of something that is in the way; 0 if nothing is.
  private long endOfUsed(long start, long last) {
    Area area = firstArea(start, last);
    if (area != null) {
      return area.last;
    }
    for (Reserved r : reserved) {
      if (overlaps(r.range, start, last)) {
        return r.range.last();
      }
    }
    return 0;
  }

  /// Unmaps whole mappings, lowest first. One that is cut by the end of the range stops it: those
  /// below are gone then.
  ///
  /// @return number of bytes
  long unmap(long iova, long length) {
    boolean all = iova == 0 && length == -1;
    if (!all) {
      if (iova == -1 || length == -1) {
        throw new KernelError(Errno.EOVERFLOW);
      }
      if (length == 0) {
        throw new KernelError(Errno.EINVAL);
      }
      if (Long.compareUnsigned(iova + length - 1, iova) < 0) {
        throw new KernelError(Errno.EOVERFLOW);
      }
    }
    long last = all ? -1 : iova + length - 1;
    long bytes = 0;
    Area area = firstArea(iova, last);
    while (area != null) {
      if (Long.compareUnsigned(area.start, iova) < 0 || Long.compareUnsigned(area.last, last) > 0) {
        throw new KernelError(Errno.ENOENT);
      }
      areas.remove(area.start);
      if (!followers.isEmpty()) {
        account.give(area.length());
        pinned -= area.length();
      }
      bytes += area.length();
      area = firstArea(iova, last);
    }
    if (bytes == 0 && !all) {
      throw new KernelError(Errno.ENOENT);
    }
    return bytes;
  }

  private @Nullable Area firstArea(long start, long last) {
    Map.Entry<Long, Area> before = areas.floorEntry(start);
    if (before != null && Long.compareUnsigned(before.getValue().last, start) >= 0) {
      return before.getValue();
    }
    Map.Entry<Long, Area> next = areas.ceilingEntry(start);
    return next != null && Long.compareUnsigned(next.getKey(), last) <= 0 ? next.getValue() : null;
  }

  private boolean isReserved(long start, long last) {
    return reserved.stream().anyMatch(r -> overlaps(r.range, start, last));
  }

  private static boolean overlaps(Range range, long start, long last) {
    return Long.compareUnsigned(range.start(), last) <= 0
        && Long.compareUnsigned(start, range.last()) <= 0;
  }

  /// Reserves ranges for an owner.
  ///
  /// @throws KernelError EADDRINUSE if something is mapped there
  void reserve(List<Range> ranges, Object owner) {
    for (Range range : ranges) {
      if (firstArea(range.start(), range.last()) != null) {
        throw new KernelError(Errno.EADDRINUSE);
      }
    }
    for (Range range : ranges) {
      reserved.add(new Reserved(range, owner));
    }
  }

  /// Gives back what an owner has reserved.
  void release(Object owner) {
    reserved.removeIf(r -> r.owner.equals(owner));
  }

  /// Makes a page table follow the mappings: they are all loaded into it.
  ///
  /// @throws KernelError EADDRINUSE they do not fit; EFAULT, ENOMEM their pages are unavailable
  void follow(Object follower, IommuProfile iommu) {
    long needed = Math.max(alignment, iommu.pageSize());
    List<Range> outside = outside(iommu.aperture());
    for (Area area : areas.values()) {
      if (((area.start | area.length() | area.memory.address() % PAGE) & needed - 1) != 0) {
        throw new KernelError(Errno.EADDRINUSE);
      }
    }
    reserve(outside, follower);
    if (followers.isEmpty()) {
      long before = pinned;
      try {
        areas.values().forEach(this::pin);
      } catch (KernelError e) {
        account.give(pinned - before);
        pinned = before;
        release(follower);
        throw e;
      }
    }
    followers.put(follower, iommu);
    alignment = needed;
  }

  /// Ends what [#follow] began.
  void unfollow(Object follower) {
    followers.remove(follower);
    release(follower);
    alignment = 1;
    for (IommuProfile iommu : followers.values()) {
      alignment = Math.max(alignment, iommu.pageSize());
    }
    if (followers.isEmpty()) {
      account.give(pinned);
      pinned = 0;
    }
  }

  private static List<Range> outside(Range aperture) {
    List<Range> outside = new ArrayList<>(2);
    if (aperture.start() != 0) {
      outside.add(new Range(0, aperture.start() - 1));
    }
    if (aperture.last() != -1) {
      outside.add(new Range(aperture.last() + 1, -1));
    }
    return outside;
  }

  /// The answer to IOMMU_IOAS_IOVA_RANGES.
  IovaRanges ranges() {
    List<Range> sorted = new ArrayList<>(reserved.stream().map(Reserved::range).toList());
    sorted.sort((a, b) -> Long.compareUnsigned(a.start(), b.start()));
    List<Range> allowed = new ArrayList<>();
    long from = 0;
    boolean full = false;
    for (Range range : sorted) {
      if (!full && Long.compareUnsigned(range.start(), from) > 0) {
        allowed.add(new Range(from, range.start() - 1));
      }
      if (!full && Long.compareUnsigned(range.last(), from) >= 0) {
        full = range.last() == -1;
        from = range.last() + 1;
      }
    }
    if (!full) {
      allowed.add(new Range(from, -1));
    }
    return new IovaRanges(allowed, alignment);
  }

  /// The mappings, ascending.
  List<SimulatedMapping> mappings() {
    return areas.values().stream()
        .map(area ->
            new SimulatedMapping(area.start, area.length(), area.memory.address(), area.access))
        .toList();
  }

  /// Number of bytes that are mapped.
  long mapped() {
    return areas.values().stream().mapToLong(Area::length).sum();
  }
}
