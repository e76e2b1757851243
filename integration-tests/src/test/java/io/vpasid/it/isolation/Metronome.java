package io.vpasid.it.isolation;

import java.util.Arrays;
import java.util.concurrent.locks.LockSupport;

/// Measures how late this machine wakes a thread that has nothing to do with the attack, so that a
/// busy machine is not taken for a bad neighbour.
final class Metronome {
  private static final long BEAT_NANOS = 1_000_000;

  private final Thread thread = Thread.ofPlatform().daemon().unstarted(this::run);
  private final long[] late = new long[1_000_000];
  private volatile int count;
  private volatile boolean ending;

  private Metronome() {}

  static Metronome start() {
    Metronome metronome = new Metronome();
    metronome.thread.start();
    return metronome;
  }

  private void run() {
    for (int beat = 0; !ending && beat < late.length; beat++) {
      long start = System.nanoTime();
      LockSupport.parkNanos(BEAT_NANOS);
      late[beat] = Math.max(0, System.nanoTime() - start - BEAT_NANOS);
      count = beat + 1;
    }
  }

  /// Stops.
  ///
  /// @return what one of a hundred beats was late by at least, in milliseconds
  double end() {
    ending = true;
    try {
      thread.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    long[] sorted = Arrays.copyOf(late, count);
    Arrays.sort(sorted);
    return sorted[Math.min(count - 1, count * 99 / 100)] / 1e6;
  }
}
