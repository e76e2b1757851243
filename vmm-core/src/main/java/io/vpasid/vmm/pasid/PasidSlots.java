package io.vpasid.vmm.pasid;

import io.vpasid.vmm.iommufd.HwptId;
import io.vpasid.vmm.iommufd.IoasId;
import io.vpasid.vmm.iommufd.PageTableId;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.List;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// One word of state for each PASID, in chunks that are made when first touched.
///
/// ```text
///  63      62       33        32    31            0
/// +-------+---------+--------+------+--------------+
/// | claim | waiters |attached| HWPT | page table   |
/// +-------+---------+--------+------+--------------+
/// ```
///
/// Whoever wants to change a PASID claims its word first, works without any lock, and releases the
/// word with the new state. A claimed word still shows the state before, so that readers never
/// wait. Who finds a word claimed sets the waiters bit and sleeps on one of a few conditions,
/// chosen by the PASID; their locks are held only to go to sleep and to wake up.
///
/// A word costs 8 bytes, so 2^20 PASIDs cost 8 MiB. Until a PASID is claimed, there is nothing at
/// all.
final class PasidSlots {
  static final long FREE = 0;

  private static final long CLAIM = 1L << 63;
  private static final long WAITERS = 1L << 62;
  private static final long ATTACHED = 1L << 33;
  private static final long HWPT = 1L << 32;

  private static final int CHUNK_LOG2 = 10;
  private static final int CHUNK = 1 << CHUNK_LOG2;
  private static final int WAIT_QUEUES = 16;

  private static final VarHandle WORD = MethodHandles.arrayElementVarHandle(long[].class);

  private final int last;

  /// Empty until a PASID is claimed.
  private volatile @Nullable Claimable claimable;

  private static final class Claimable {
    final AtomicReferenceArray<long[]> chunks;
    final List<WaitQueue> waitQueues = Stream.generate(WaitQueue::new).limit(WAIT_QUEUES).toList();

    Claimable(int last) {
      chunks = new AtomicReferenceArray<>((last >>> CHUNK_LOG2) + 1);
    }
  }

  private static final class WaitQueue {
    final ReentrantLock lock = new ReentrantLock();
    final Condition released = lock.newCondition();
  }

  PasidSlots(int width) {
    last = (1 << width) - 1;
  }

  /// The highest PASID.
  int last() {
    return last;
  }

  static boolean isAttached(long slot) {
    return (slot & ATTACHED) != 0;
  }

  static long attachedTo(PageTableId pageTable) {
    long number = Integer.toUnsignedLong(pageTable.value()) | ATTACHED;
    return switch (pageTable) {
      case HwptId _ -> number | HWPT;
      case IoasId _ -> number;
    };
  }

  static PageTableId pageTable(long slot) {
    int number = (int) slot;
    return (slot & HWPT) != 0 ? new HwptId(number) : new IoasId(number);
  }

  /// The state of a PASID, with or without marks.
  long read(int pasid) {
    long[] chunk = chunk(pasid);
    return chunk == null ? FREE : word(chunk, pasid);
  }

  boolean isAttached(int pasid) {
    return isAttached(read(pasid));
  }

  /// True if the PASID is neither attached nor claimed.
  boolean isFree(int pasid) {
    return read(pasid) == FREE;
  }

  /// Claims a PASID, waiting while somebody else has it.
  ///
  /// @return its state, without marks
  long claim(int pasid) {
    long[] chunk = chunkFor(pasid);
    int at = pasid & CHUNK - 1;
    while (true) {
      long seen = word(chunk, pasid);
      if (seen < 0) {
        sleep(chunk, pasid);
      } else if (WORD.compareAndSet(chunk, at, seen, seen | CLAIM)) {
        return seen;
      }
    }
  }

  /// Ends a claim with a new state.
  void release(int pasid, long state) {
    long marked = (long) WORD.getAndSet(chunkFor(pasid), pasid & CHUNK - 1, state);
    if ((marked & WAITERS) != 0) {
      WaitQueue queue = claimable().waitQueues.get(pasid & WAIT_QUEUES - 1);
      queue.lock.lock();
      try {
        queue.released.signalAll();
      } finally {
        queue.lock.unlock();
      }
    }
  }

  private void sleep(long[] chunk, int pasid) {
    int at = pasid & CHUNK - 1;
    WaitQueue queue = claimable().waitQueues.get(pasid & WAIT_QUEUES - 1);
    queue.lock.lock();
    try {
      long seen = word(chunk, pasid);
      while (seen < 0) {
        // The releaser sees the waiters bit and needs the lock to wake us, so that it cannot be
        // done before we sleep.
        if ((seen & WAITERS) != 0 || WORD.compareAndSet(chunk, at, seen, seen | WAITERS)) {
          queue.released.awaitUninterruptibly();
        }
        seen = word(chunk, pasid);
      }
    } finally {
      queue.lock.unlock();
    }
  }

  /// The lowest attached PASID from `first` to `end`, both included; -1 if there is none.
  int firstAttached(int first, int end) {
    return firstWith(ATTACHED, first, end);
  }

  /// The lowest PASID from `first` on that is attached or claimed; -1 if there is none.
  int firstInUse(int first) {
    return firstWith(ATTACHED | CLAIM, first, last);
  }

  private int firstWith(long bits, int first, int end) {
    int pasid = first;
    while (pasid <= end) {
      long[] chunk = chunk(pasid);
      int chunkEnd = Math.min(end, pasid | CHUNK - 1);
      for (; chunk != null && pasid <= chunkEnd; pasid++) {
        if ((word(chunk, pasid) & bits) != 0) {
          return pasid;
        }
      }
      pasid = chunkEnd + 1;
    }
    return -1;
  }

  private static long word(long[] chunk, int pasid) {
    return (long) WORD.getVolatile(chunk, pasid & CHUNK - 1);
  }

  private long @Nullable [] chunk(int pasid) {
    Claimable made = claimable;
    return made == null ? null : made.chunks.get(pasid >>> CHUNK_LOG2);
  }

  private Claimable claimable() {
    Claimable made = claimable;
    if (made == null) {
      synchronized (this) {
        made = claimable;
        if (made == null) {
          made = new Claimable(last);
          claimable = made;
        }
      }
    }
    return made;
  }

  private long[] chunkFor(int pasid) {
    AtomicReferenceArray<long[]> chunks = claimable().chunks;
    int index = pasid >>> CHUNK_LOG2;
    long[] chunk = chunks.get(index);
    if (chunk == null) {
      long[] made = new long[CHUNK];
      chunk = chunks.compareAndSet(index, null, made) ? made : chunks.get(index);
    }
    return chunk;
  }
}
