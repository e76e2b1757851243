package io.vpasid.vmm.frontend.vtd;

import java.lang.invoke.VarHandle;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReentrantReadWriteLock;

/// The point that is passed before a guest is told that an invalidation is done: everything that
/// the backend was told is over then, and so is DMA of emulated functions that began with a
/// translation from before.
///
/// Emulated DMA holds the shared lock from the translation of a page to the last byte in it;
/// passing takes the other one for an instant, so it waits for at most one page per function.
final class WaitPoint {
  private final VtdBackend backend;
  private final ReentrantReadWriteLock underWay = new ReentrantReadWriteLock();

  /// There is something that may do DMA here.
  private volatile boolean used;

  WaitPoint(VtdBackend backend) {
    this.backend = backend;
  }

  /// The lock that is to be held from now on while a translated address is used.
  Lock use() {
    used = true;
    return underWay.readLock();
  }

  /// Returns when everything from before is over. Only the unit's worker calls it.
  void pass() {
    if (used) {
      awaitWhatIsUnderWay();
    }
    backend.sync();
  }

  @SuppressWarnings("LockNotBeforeTry") // there is nothing to do under the lock
  private void awaitWhatIsUnderWay() {
    // Whoever begins after this fence sees what the guest has written before it told the unit.
    VarHandle.fullFence();
    if (underWay.getReadLockCount() != 0) {
      underWay.writeLock().lock();
      try {
        // Nobody is in there now: everything that was under way is over.
      } finally {
        underWay.writeLock().unlock();
      }
    }
  }
}
