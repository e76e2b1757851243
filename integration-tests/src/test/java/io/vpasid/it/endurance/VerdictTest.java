package io.vpasid.it.endurance;

import static org.assertj.core.api.Assertions.assertThat;

import io.vpasid.it.endurance.Series.Point;
import java.util.Random;
import java.util.function.DoubleUnaryOperator;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.EnumSource.Mode;

/// Made-up series, judged.
class VerdictTest {
  private static final int SAMPLES = 150;
  private static final double TWO_HOURS = 2;

  private static Series heap(double hours, DoubleUnaryOperator value) {
    return series(Quantity.HEAP, hours, value);
  }

  private static Series series(Quantity quantity, double hours, DoubleUnaryOperator value) {
    return new Series(
        "made up",
        quantity,
        IntStream.range(0, SAMPLES)
            .mapToDouble(i -> hours * i / (SAMPLES - 1))
            .mapToObj(at -> new Point(at, value.applyAsDouble(at)))
            .toList());
  }

  private static DoubleUnaryOperator noisy(double level, double noise, double perHour) {
    Random random = new Random(20);
    return hours -> level + noise * random.nextGaussian() + perHour * hours;
  }

  @ParameterizedTest
  @EnumSource(mode = Mode.EXCLUDE, names = "SLOW_LATENCY")
  void leakIsSeen(Quantity quantity) {
    double perHour = 3 * Math.max(quantity.perHour().orElseThrow(), quantity.least());

    assertThat(Verdict.of(series(quantity, TWO_HOURS, hours -> 50 + perHour * hours)))
        .isInstanceOf(Verdict.Grows.class)
        .asString()
        .contains(quantity.title(), "GROWS");
  }

  @Test
  void leakIsSeenThroughNoiseAboveIt() {
    assertThat(Verdict.of(heap(TWO_HOURS, noisy(20, 1.5, 3)))).isInstanceOf(Verdict.Grows.class);
  }

  @Test
  void leakInStepsIsSeen() {
    assertThat(Verdict.of(heap(TWO_HOURS, hours -> 20 + Math.floor(hours * 12))))
        .isInstanceOf(Verdict.Grows.class);
  }

  @Test
  void flatNoisySeriesHolds() {
    assertThat(Verdict.of(heap(TWO_HOURS, noisy(20, 4, 0)))).isInstanceOf(Verdict.Holds.class);
    assertThat(Verdict.of(heap(0.1, noisy(20, 4, 0)))).isInstanceOf(Verdict.Holds.class);
  }

  @Test
  void wavesHold() {
    assertThat(Verdict.of(heap(TWO_HOURS, hours -> 20 + 5 * Math.sin(30 * hours))))
        .isInstanceOf(Verdict.Holds.class);
  }

  @Test
  void warmUpIsNoLeak() {
    assertThat(Verdict.of(heap(TWO_HOURS, hours -> 20 - 15 * Math.exp(-8 * hours))))
        .isInstanceOf(Verdict.Holds.class);
  }

  @Test
  void growthOfAShortRunThatIsTooLittleToCountHolds() {
    assertThat(Verdict.of(heap(0.1, hours -> 20 + 15 * hours))).isInstanceOf(Verdict.Holds.class);
  }

  @Test
  void whatShrinksHolds() {
    assertThat(Verdict.of(heap(TWO_HOURS, hours -> 20 - 5 * hours)))
        .isInstanceOf(Verdict.Holds.class);
  }

  @Test
  void fewSamplesAreNotJudged() {
    Series shortLife =
        new Series(
            "made up",
            Quantity.HEAP,
            IntStream.range(0, 5).mapToObj(i -> new Point(i, 100 * i)).toList());

    assertThat(Verdict.of(shortLife)).isInstanceOf(Verdict.Unjudged.class);
  }
}
