package io.vpasid.guest.daemon;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.LongSupplier;

/// Rates of log lines of each function, and of each other source: many at once, few for long, so
/// that a guest cannot fill the log with what it does to its own function.
///
/// What is left out is counted, and told in one line from time to time. For any number of threads.
final class LogRates {
  /// Most sources that are told apart; more share one rate.
  private static final int MAX_SOURCES = 8192;

  private static final String OTHERS = "others";
  private static final long NANOS = 1_000_000_000;
  private static final long BETWEEN_SUMMARIES_NANOS = 5 * NANOS;

  private final Map<String, Source> sources = new ConcurrentHashMap<>();
  private final int atOnce;
  private final long step;
  private final LongSupplier clock;
  private long lastSummary;

  /// Rates by this clock.
  ///
  /// @param atOnce lines of one source that may come at once
  /// @param perSecond lines of one source that may come in a second, for long
  /// @param clock nanoseconds, as `System.nanoTime` has them
  LogRates(int atOnce, int perSecond, LongSupplier clock) {
    this.atOnce = atOnce;
    this.step = NANOS / perSecond;
    this.clock = clock;
    lastSummary = clock.getAsLong();
  }

  /// A bucket of lines that fills again by and by.
  private final class Source {
    private long full;
    private long leftOut;

    Source(long now) {
      full = now;
    }

    /// `full` is when the bucket will be, or was, full again.
    synchronized boolean admits(long now) {
      if (full - now > (atOnce - 1) * step) {
        leftOut++;
        return false;
      }
      full = Math.max(full, now) + step;
      return true;
    }

    synchronized long takeLeftOut() {
      long count = leftOut;
      leftOut = 0;
      return count;
    }
  }

  /// Says whether a line of a source may be written now. If not, it is counted.
  boolean admits(String source) {
    Source known = sources.get(source);
    if (known == null) {
      String name = sources.size() < MAX_SOURCES ? source : OTHERS;
      known = sources.computeIfAbsent(name, _ -> new Source(clock.getAsLong()));
    }
    return known.admits(clock.getAsLong());
  }

  /// The number of lines of each source that were left out since the last time, every few seconds.
  /// For one thread.
  ///
  /// @param now whether to tell at once
  Map<String, Long> leftOut(boolean now) {
    long time = clock.getAsLong();
    if (!now && time - lastSummary < BETWEEN_SUMMARIES_NANOS) {
      return Map.of();
    }
    lastSummary = time;
    Map<String, Long> counts = new LinkedHashMap<>();
    sources.forEach((name, source) -> {
      long count = source.takeLeftOut();
      if (count > 0) {
        counts.put(name, count);
      }
    });
    return counts;
  }
}
