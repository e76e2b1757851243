package io.vpasid.guest.host;

import io.vpasid.guest.vfiouser.Outcome;
import io.vpasid.vmm.linux.Errno;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// The memory behind a function's BARs: zeros until it is written, and only the pages that were
/// written take room.
///
/// A guest may write all of a BAR of any size, so there is a limit for all BARs of a function, and
/// one for all functions ([BarPages]). The monitor keeps a page from becoming another function's
/// while it is accessed.
final class BarMemory {
  private static final int PAGE_SHIFT = 12;

  private final BarPages pool;
  private final Map<Page, MemorySegment> pages = new HashMap<>();

  /// Nothing written yet.
  ///
  /// @param pool where pages come from
  BarMemory(BarPages pool) {
    this.pool = pool;
  }

  private record Page(int bar, long number) {}

  /// Fills the buffer.
  synchronized void read(int bar, long offset, ByteBuffer destination) {
    long at = offset;
    while (destination.hasRemaining()) {
      int within = (int) at & (BarPages.SIZE - 1);
      int length = Math.min(destination.remaining(), BarPages.SIZE - within);
      MemorySegment page = pages.get(new Page(bar, at >>> PAGE_SHIFT));
      int limit = destination.limit();
      MemorySegment into =
          MemorySegment.ofBuffer(destination.limit(destination.position() + length));
      if (page == null) {
        into.fill((byte) 0);
      } else {
        into.copyFrom(page.asSlice(within, length));
      }
      destination.position(destination.limit()).limit(limit);
      at += length;
    }
  }

  /// Writes what the buffer has left; ENOSPC if that is more than there is room for, some of it may
  /// have been written then.
  synchronized Outcome write(int bar, long offset, ByteBuffer source) {
    long at = offset;
    while (source.hasRemaining()) {
      int within = (int) at & (BarPages.SIZE - 1);
      int length = Math.min(source.remaining(), BarPages.SIZE - within);
      MemorySegment page = page(new Page(bar, at >>> PAGE_SHIFT));
      if (page == null) {
        return Outcome.refused(Errno.ENOSPC, "There is no more room for what is written to BARs.");
      }
      MemorySegment.copy(MemorySegment.ofBuffer(source), 0, page, within, length);
      source.position(source.position() + length);
      at += length;
    }
    return Outcome.done();
  }

  private @Nullable MemorySegment page(Page key) {
    MemorySegment page = pages.get(key);
    if (page == null && pages.size() < pool.mostOfFunction()) {
      page = pool.take().orElse(null);
      if (page != null) {
        pages.put(key, page);
      }
    }
    return page;
  }

  /// All zeros again.
  synchronized void clear() {
    if (!pages.isEmpty()) {
      pool.giveBack(pages.values());
      pages.clear();
    }
  }
}
