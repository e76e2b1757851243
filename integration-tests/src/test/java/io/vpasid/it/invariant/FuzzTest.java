package io.vpasid.it.invariant;

import io.vpasid.it.space.HostSpaces;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.ThreadLocalRandom;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.api.io.TempDir;

/// All invariants over new cases for as many minutes as one asks for:
///
/// ```text
/// mvn verify -pl integration-tests -am -Dtest=FuzzTest -Dsurefire.failIfNoSpecifiedTests=false -Dvpasid.fuzz.minutes=60
/// ```
///
/// It stops at the first failure, with the case's number and the smallest function that fails in
/// the same way; `-Dvpasid.seed=NUMBER` in place of the minutes' worth of cases begins with that
/// one.
@Tag("fuzz")
@EnabledIfSystemProperty(
    named = "vpasid.fuzz.minutes",
    matches = "[0-9]+",
    disabledReason = "runs for as long as -Dvpasid.fuzz.minutes=N says")
class FuzzTest {
  private static final int BATCH = 10_000;

  @Test
  void allInvariantsHold(@TempDir Path folder) {
    Trials trials = new Trials(HostSpaces.ofAllKinds(), KnownQuirks.tables(64, folder));
    long end =
        System.nanoTime() + Duration.ofMinutes(Long.getLong("vpasid.fuzz.minutes")).toNanos();
    long seed = Long.getLong("vpasid.seed", ThreadLocalRandom.current().nextLong());
    long cases = 0;
    do {
      trials.forAll(seed, BATCH, Invariants::all);
      seed = Trials.seedAfter(seed, BATCH);
      cases += BATCH;
      System.out.println(cases + " cases, next " + seed);
    } while (System.nanoTime() < end);
  }
}
