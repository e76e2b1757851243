package io.vpasid.vmm.frontend.vtd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/// Rests after wide work, by a clock that only work and rests move.
class WidePaceTest {
  private static final long MS = 1_000_000;

  private long now = 5 * MS;
  private final List<Long> rests = new ArrayList<>();
  private final WidePace pace =
      new WidePace(
          () -> now,
          nanos -> {
            rests.add(nanos / MS);
            now += nanos;
          });

  private void work(long milliseconds) {
    pace.run(() -> now += milliseconds * MS);
  }

  @Test
  void theNextRestsAsLongAsTheLastTook() {
    work(30);
    assertThat(rests).as("nobody rests before there is more").isEmpty();
    work(20);
    work(5);
    assertThat(rests).containsExactly(30L, 20L);
  }

  @Test
  void timeThatWentByMeanwhileCounts() {
    work(30);
    now += 10 * MS;
    work(1);
    now += 10 * MS;
    work(1);
    assertThat(rests).containsExactly(20L);
  }

  @Test
  void shortWorkIsNotNoticed() {
    for (int i = 0; i < 1000; i++) {
      pace.run(() -> now += MS - 1);
    }
    assertThat(rests).isEmpty();
  }

  @Test
  void noRestIsLongerThanASecond() {
    work(60_000);
    work(1);
    assertThat(rests).containsExactly(1000L);
  }

  @Test
  void aSleepThatEndsEarlyGoesOn() {
    List<Long> asked = new ArrayList<>();
    WidePace impatient =
        new WidePace(
            () -> now,
            nanos -> {
              asked.add(nanos / MS);
              now += Math.min(nanos, 4 * MS);
            });
    impatient.run(() -> now += 10 * MS);
    impatient.run(() -> {});
    assertThat(asked).containsExactly(10L, 6L, 2L);
  }

  @Test
  void workThatFailsCountsToo() {
    assertThatThrownBy(() ->
            pace.run(() -> {
              now += 7 * MS;
              throw new IllegalStateException("no");
            }))
        .hasMessage("no");
    work(1);
    assertThat(rests).containsExactly(7L);
  }
}
