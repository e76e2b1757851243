package io.vpasid.guest.socket;

import io.netty.channel.DefaultSelectStrategyFactory;
import io.netty.channel.SelectStrategy;
import io.netty.channel.SelectStrategyFactory;
import io.netty.util.IntSupplier;
import java.time.Duration;

/// The time for which a loop looks at its sockets again and again after something has happened at
/// one of them, before it sleeps.
///
/// A peer that asks once more within that time is answered without a thread being woken, which
/// takes most of a round trip between two cores; the loop keeps a core busy for as long.
final class BusyPoll implements SelectStrategy {
  private final long nanos;
  private long lastReady = System.nanoTime();

  private BusyPoll(Duration time) {
    nanos = time.toNanos();
  }

  /// Makes loops that look for `time`; zero for those that sleep at once.
  static SelectStrategyFactory factory(Duration time) {
    return time.isZero() ? DefaultSelectStrategyFactory.INSTANCE : () -> new BusyPoll(time);
  }

  @Override
  public int calculateStrategy(IntSupplier ready, boolean hasTasks) throws Exception {
    int found = ready.get();
    long now = System.nanoTime();
    if (found > 0) {
      lastReady = now;
    }
    return found > 0 || hasTasks || now - lastReady < nanos ? found : SELECT;
  }
}
