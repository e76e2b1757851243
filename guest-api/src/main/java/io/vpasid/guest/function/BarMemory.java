package io.vpasid.guest.function;

import io.vpasid.guest.vfiouser.Outcome;
import io.vpasid.vmm.linux.Errno;
import java.nio.ByteBuffer;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/// The memory behind a function's BARs: zeros until it is written, and only the pages that were
/// written take room.
///
/// A guest may write all of a BAR of any size, so there is a limit for all BARs of a function.
final class BarMemory {
  private static final int PAGE_SHIFT = 12;
  private static final int PAGE_SIZE = 1 << PAGE_SHIFT;

  /// Most bytes that the BARs of one function take here: 64 MiB.
  static final int LIMIT = 64 << 20;

  private static final byte[] ZEROS = new byte[PAGE_SIZE];

  private final Map<Page, byte[]> pages = new ConcurrentHashMap<>();
  private final AtomicInteger count = new AtomicInteger();

  private record Page(int bar, long number) {}

  /// Fills the buffer.
  void read(int bar, long offset, ByteBuffer destination) {
    long at = offset;
    while (destination.hasRemaining()) {
      int within = (int) at & (PAGE_SIZE - 1);
      int length = Math.min(destination.remaining(), PAGE_SIZE - within);
      byte[] page = pages.get(new Page(bar, at >>> PAGE_SHIFT));
      destination.put(page == null ? ZEROS : page, page == null ? 0 : within, length);
      at += length;
    }
  }

  /// Writes what the buffer has left; ENOSPC if that is more than there is room for, some of it may
  /// have been written then.
  Outcome write(int bar, long offset, ByteBuffer source) {
    long at = offset;
    while (source.hasRemaining()) {
      int within = (int) at & (PAGE_SIZE - 1);
      int length = Math.min(source.remaining(), PAGE_SIZE - within);
      byte[] page = page(new Page(bar, at >>> PAGE_SHIFT));
      if (page == null) {
        return Outcome.refused(
            Errno.ENOSPC, "More than " + (LIMIT >> 20) + " MiB of BARs have been written.");
      }
      source.get(page, within, length);
      at += length;
    }
    return Outcome.done();
  }

  private byte @Nullable [] page(Page key) {
    byte[] page = pages.get(key);
    if (page != null) {
      return page;
    }
    if (count.incrementAndGet() > LIMIT / PAGE_SIZE) {
      count.decrementAndGet();
      return null;
    }
    byte[] fresh = new byte[PAGE_SIZE];
    byte[] other = pages.putIfAbsent(key, fresh);
    if (other == null) {
      return fresh;
    }
    count.decrementAndGet();
    return other;
  }

  /// All zeros again.
  void clear() {
    pages.clear();
    count.set(0);
  }
}
