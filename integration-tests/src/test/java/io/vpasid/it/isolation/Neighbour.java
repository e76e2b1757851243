package io.vpasid.it.isolation;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/// A client that does no harm: it reads its function's registers, and measures how long that takes.
final class Neighbour implements AutoCloseable {
  private static final long PAUSE_NANOS = 1_000_000;

  private final Path socket;
  private final CountDownLatch ready = new CountDownLatch(1);
  private final Thread thread;
  private final long[] nanos = new long[1_000_000];
  private volatile int count;
  private volatile boolean ending;
  private volatile long started;

  private Neighbour(Path socket) {
    this.socket = socket;
    this.thread = Thread.ofPlatform().daemon().unstarted(this::run);
  }

  /// Begins to read, and returns when it has read for the first time: what comes with the first
  /// client of a process is no attack's doing.
  static Neighbour at(Path socket) {
    Neighbour neighbour = new Neighbour(socket);
    neighbour.thread.start();
    try {
      if (!neighbour.ready.await(30, TimeUnit.SECONDS)) {
        throw new AssertionError("A neighbour at " + socket + " has not been served at all.");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    return neighbour;
  }

  @SuppressWarnings("NonAtomicVolatileUpdate") // this thread alone counts
  private void run() {
    started = System.nanoTime();
    try (Client client = Client.agreed(socket)) {
      client.readConfig();
      ready.countDown();
      do { // once at least, or nothing was measured
        started = System.nanoTime();
        client.readConfig();
        nanos[count] = System.nanoTime() - started;
        count = count + 1;
        LockSupport.parkNanos(PAUSE_NANOS);
      } while (!ending && count < nanos.length);
    } catch (IOException | IllegalStateException e) {
      nanos[count] = System.nanoTime() - started;
      count = count + 1;
    }
  }

  /// What accesses took, in milliseconds.
  ///
  /// @param count how many there were
  /// @param usual the median
  /// @param hundredth that which one of a hundred exceeds
  /// @param longest of all
  record Latency(int count, double usual, double hundredth, double longest) {
    @Override
    public String toString() {
      return String.format(
          Locale.ROOT,
          "%,d accesses, median %.2f ms, 99th of 100 %.2f ms, longest %.1f ms",
          count,
          usual,
          hundredth,
          longest);
    }
  }

  /// Stops all, and tells of the one that fared worst.
  static Latency end(List<Neighbour> neighbours) {
    neighbours.forEach(neighbour -> neighbour.ending = true);
    neighbours.forEach(Neighbour::close);
    return neighbours.stream()
        .map(Neighbour::latency)
        .max(Comparator.comparingDouble(Latency::hundredth).thenComparingDouble(Latency::longest))
        .orElseThrow();
  }

  private Latency latency() {
    long[] sorted = Arrays.copyOf(nanos, count);
    Arrays.sort(sorted);
    return new Latency(
        count,
        sorted[count / 2] / 1e6,
        sorted[Math.min(count - 1, count * 99 / 100)] / 1e6,
        sorted[count - 1] / 1e6);
  }

  @Override
  public void close() {
    ending = true;
    try {
      thread.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
