package io.vpasid.guest.emulator.vtd;

import io.vpasid.guest.emulator.IommuPort;
import io.vpasid.vmm.frontend.GuestMemory;
import io.vpasid.vmm.frontend.GuestMemoryException;
import java.util.ArrayDeque;
import java.util.Deque;

/// The guest's own view of its memory, which is always there, and the pages of it that are free.
final class GuestPages {
  static final int PAGE = 4096;

  private final GuestMemory memory;
  private final long end;
  private final Deque<Long> returned = new ArrayDeque<>();
  private long next;

  /// @param first address of the first free page
  /// @param end address behind the last
  GuestPages(GuestMemory memory, long first, long end) {
    this.memory = memory;
    this.next = first;
    this.end = end;
  }

  /// Takes a page of zeros.
  ///
  /// @throws DriverException if there is none
  long take() {
    Long page = returned.poll();
    if (page == null) {
      if (next == end) {
        throw new DriverException(
            "the guest's %d MiB of memory are full; map less, or unmap"
                .formatted(IommuPort.MEMORY_SIZE >> 20));
      }
      page = next;
      next += PAGE;
    }
    clear(page, PAGE);
    return page;
  }

  /// Gives a page back.
  void giveBack(long page) {
    returned.add(page);
  }

  void clear(long address, int bytes) {
    for (int at = 0; at < bytes; at += Long.BYTES) {
      store(address + at, 0);
    }
  }

  long load(long address) {
    try {
      return memory.loadLong(address);
    } catch (GuestMemoryException e) {
      throw new IllegalStateException(e);
    }
  }

  int loadInt(long address) {
    try {
      return memory.loadInt(address);
    } catch (GuestMemoryException e) {
      throw new IllegalStateException(e);
    }
  }

  void store(long address, long value) {
    try {
      memory.storeLong(address, value);
    } catch (GuestMemoryException e) {
      throw new IllegalStateException(e);
    }
  }
}
