package io.vpasid.guest.host;

import io.vpasid.vmm.linux.calls.OwnMemory;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.Optional;

/// The pages of memory that the BARs of all emulated functions of a process may take together, off
/// the heap: what guests write there can be refused, but the process never lacks memory for it.
///
/// Memory is taken in slabs, when it is needed, and kept for the next function. For any number of
/// threads.
public final class BarPages {
  /// Bytes of a page.
  static final int SIZE = 4096;

  /// Most bytes that the BARs of a function take that has pages for itself: 64 MiB.
  static final int FUNCTION = 64 << 20;

  private static final int SLAB = 256 * SIZE;

  private final long most;
  private final long mostOfFunction;
  private final ArrayDeque<MemorySegment> free = new ArrayDeque<>();
  private long taken;

  private BarPages(long most, long mostOfFunction) {
    this.most = most;
    this.mostOfFunction = mostOfFunction;
  }

  /// Pages for all functions that are made with this object.
  ///
  /// @param bytes most that they take together
  /// @param ofFunction most bytes that one of them takes
  public static BarPages ofBytes(long bytes, long ofFunction) {
    return new BarPages(bytes / SIZE, ofFunction / SIZE);
  }

  /// Pages for one function that has them for itself.
  public static BarPages ofOneFunction() {
    return ofBytes(FUNCTION, FUNCTION);
  }

  /// Most pages that one function takes.
  long mostOfFunction() {
    return mostOfFunction;
  }

  /// A page of zeros; empty if there is none left.
  Optional<MemorySegment> take() {
    MemorySegment page;
    synchronized (this) {
      if (taken >= most) {
        return Optional.empty();
      }
      if (free.isEmpty()) {
        OwnMemory.take(SLAB).ifPresent(this::cut);
      }
      if (free.isEmpty()) {
        return Optional.empty();
      }
      page = free.pop();
      taken++;
    }
    page.fill((byte) 0);
    return Optional.of(page);
  }

  private void cut(MemorySegment slab) {
    for (int at = 0; at < SLAB; at += SIZE) {
      free.push(slab.asSlice(at, SIZE));
    }
  }

  /// Takes pages back, which nobody reads or writes any more.
  synchronized void giveBack(Iterable<MemorySegment> pages) {
    for (MemorySegment page : pages) {
      free.push(page);
      taken--;
    }
  }

  /// Bytes that are in use.
  public synchronized long bytesInUse() {
    return taken * SIZE;
  }
}
