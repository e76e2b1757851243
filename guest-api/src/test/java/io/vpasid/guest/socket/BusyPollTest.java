package io.vpasid.guest.socket;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.channel.SelectStrategy;
import java.time.Duration;
import org.junit.jupiter.api.Test;

class BusyPollTest {
  private static final Duration LONG = Duration.ofHours(1);
  private static final Duration SHORT = Duration.ofNanos(1);

  private static int next(SelectStrategy strategy, int ready, boolean hasTasks) throws Exception {
    return strategy.calculateStrategy(() -> ready, hasTasks);
  }

  @Test
  void withoutATimeALoopSleepsAtOnce() throws Exception {
    SelectStrategy strategy = BusyPoll.factory(Duration.ZERO).newSelectStrategy();

    assertThat(next(strategy, 0, false)).isEqualTo(SelectStrategy.SELECT);
  }

  @Test
  void aLoopLooksAgainUntilTheTimeIsOver() throws Exception {
    assertThat(next(BusyPoll.factory(LONG).newSelectStrategy(), 0, false)).isZero();
    assertThat(next(BusyPoll.factory(SHORT).newSelectStrategy(), 0, false))
        .isEqualTo(SelectStrategy.SELECT);
  }

  @Test
  void aLoopDoesNotSleepWhileThereIsSomethingToDo() throws Exception {
    SelectStrategy strategy = BusyPoll.factory(SHORT).newSelectStrategy();

    assertThat(next(strategy, 0, true)).isZero();
    assertThat(next(strategy, 3, false)).isEqualTo(3);
  }

  @Test
  void whatIsReadyBeginsTheTimeAnew() throws Exception {
    Duration time = Duration.ofMillis(50);
    SelectStrategy strategy = BusyPoll.factory(time).newSelectStrategy();
    awaitSleep(strategy);

    long before = System.nanoTime();
    assertThat(next(strategy, 1, false)).isOne();
    awaitSleep(strategy);

    assertThat(System.nanoTime() - before).isGreaterThanOrEqualTo(time.toNanos());
  }

  private static void awaitSleep(SelectStrategy strategy) throws Exception {
    while (next(strategy, 0, false) != SelectStrategy.SELECT) {
      Thread.onSpinWait();
    }
  }
}
