package io.vpasid.vmm.frontend.vtd;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.LongConsumer;
import java.util.function.LongSupplier;

/// Keeps wide invalidations from having a worker for themselves: what they ask for (a scan of a
/// function's tables, a walk of a whole page table) is bounded each time, but a guest can ask for
/// it again and again.
///
/// Wide work that took a millisecond or more is followed by a rest as long as it took, at most a
/// second, before the next wide work begins. So it takes at most half of a worker's time, whatever
/// the guest does; what is not wide waits for it only in the order of the queue. Ordinary guests,
/// whose wide work takes microseconds, never rest.
final class WidePace {
  private static final long UNNOTICED = TimeUnit.MILLISECONDS.toNanos(1);
  private static final long LONGEST = TimeUnit.SECONDS.toNanos(1);

  private final LongSupplier clock;
  private final LongConsumer sleep;
  private long rest;
  private long ended;

  WidePace() {
    this(System::nanoTime, LockSupport::parkNanos);
  }

  /// @param clock in nanoseconds
  /// @param sleep takes nanoseconds, and may return early
  WidePace(LongSupplier clock, LongConsumer sleep) {
    this.clock = clock;
    this.sleep = sleep;
  }

  /// Does wide work, after the rest that the last one has earned.
  void run(Runnable wide) {
    long began = clock.getAsLong();
    for (long left = ended + rest - began; rest > 0 && left > 0; left = ended + rest - began) {
      sleep.accept(left);
      began = clock.getAsLong();
    }
    try {
      wide.run();
    } finally {
      ended = clock.getAsLong();
      long took = ended - began;
      rest = took < UNNOTICED ? 0 : Math.min(took, LONGEST);
    }
  }
}
