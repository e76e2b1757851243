package io.vpasid.testing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

class SeedsTest {

  private static List<Long> tried(int fixed) {
    List<Long> tried = new ArrayList<>();
    Seeds.forAll(fixed, tried::add);
    return tried;
  }

  @Test
  void seedsFromOneOnAreAlwaysTried() {
    assertThat(tried(20)).startsWith(LongStream.rangeClosed(1, 20).boxed().toArray(Long[]::new));
  }

  @Test
  void everyPropertyOfARunExploresTheSameSeeds() {
    assertThat(tried(20)).hasSizeGreaterThan(20).doesNotHaveDuplicates();
    assertThat(tried(20).subList(20, 21)).isEqualTo(tried(7).subList(7, 8));
    assertThat(Seeds.all(20).boxed()).containsAll(tried(20));
  }

  @Test
  void allProcessorsTryAllSeeds() {
    Set<Long> tried = ConcurrentHashMap.newKeySet();
    Seeds.forAllAtOnce(2000, tried::add);

    assertThat(tried)
        .contains(LongStream.rangeClosed(1, 2000).boxed().toArray(Long[]::new))
        .hasSizeGreaterThan(2000);
  }

  @Test
  void firstFailureOfAllProcessorsNamesItsSeed() {
    assertThatThrownBy(() ->
            Seeds.forAllAtOnce(
                2000,
                seed -> {
                  if (seed >= 1999) {
                    throw new IllegalStateException("odd");
                  }
                }))
        .isInstanceOf(AssertionError.class)
        .hasMessageStartingWith("seed 1999 (again: -Dvpasid.seed=1999 -Dvpasid.explore=1): ");
  }

  @Test
  void failureNamesTheSeedAndHowToTryItAgain() {
    assertThatThrownBy(() ->
            Seeds.forAll(
                20,
                seed -> {
                  if (seed == 13) {
                    throw new IllegalStateException("odd");
                  }
                }))
        .isInstanceOf(AssertionError.class)
        .hasMessage(
            "seed 13 (again: -Dvpasid.seed=13 -Dvpasid.explore=1):"
                + " java.lang.IllegalStateException: odd");
  }
}
