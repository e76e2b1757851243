package io.vpasid.it.endurance;

import java.util.Arrays;

/// What accesses took since somebody last asked. One thread measures, another asks.
final class Latency {
  /// The last so many count, if nobody asks for long.
  private static final int MOST = 1 << 16;

  private final long[] nanos = new long[MOST];
  private long count;

  /// @param median in microseconds
  /// @param hundredth what one of a hundred exceeds, in microseconds
  record Measured(double median, double hundredth) {}

  synchronized void add(long taken) {
    nanos[(int) (count % MOST)] = taken;
    count++;
  }

  /// What there was, and forgets it; zeros if there was nothing.
  synchronized Measured take() {
    long[] sorted = Arrays.copyOf(nanos, (int) Math.min(count, MOST));
    count = 0;
    if (sorted.length == 0) {
      return new Measured(0, 0);
    }
    Arrays.sort(sorted);
    return new Measured(
        sorted[sorted.length / 2] / 1e3, sorted[(int) (sorted.length * 0.99)] / 1e3);
  }
}
