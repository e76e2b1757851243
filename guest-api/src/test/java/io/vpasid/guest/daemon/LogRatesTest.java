package io.vpasid.guest.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import org.junit.jupiter.api.Test;

class LogRatesTest {
  private static final int AT_ONCE = 100;
  private static final int EACH_SECOND = 10;
  private static final long SECOND = 1_000_000_000;

  private long now = 5;
  private final LogRates rates = new LogRates(AT_ONCE, EACH_SECOND, () -> now);

  private int admitted(int lines) {
    int admitted = 0;
    for (int i = 0; i < lines; i++) {
      admitted += rates.admits("dsa") ? 1 : 0;
    }
    return admitted;
  }

  @Test
  void manyMayComeAtOnceAndFewForLong() {
    assertThat(admitted(1000)).isEqualTo(AT_ONCE);
    now += SECOND;
    assertThat(admitted(1000)).isEqualTo(EACH_SECOND);
    now += 3600 * SECOND;
    assertThat(admitted(1000)).isEqualTo(AT_ONCE);
  }

  @Test
  void whatIsLeftOutIsToldOnceAndNotTooOften() {
    int admitted = admitted(1000);
    assertThat(rates.leftOut(false)).isEmpty();
    now += 6 * SECOND;
    assertThat(rates.leftOut(false)).isEqualTo(Map.of("dsa", 1000L - admitted));
    now += 6 * SECOND;
    assertThat(rates.leftOut(false)).isEmpty();
  }
}
