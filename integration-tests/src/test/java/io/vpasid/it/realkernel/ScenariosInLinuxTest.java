package io.vpasid.it.realkernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;

import io.vpasid.guest.scenario.Scenario;
import io.vpasid.guest.scenario.ScenarioResult;
import io.vpasid.guest.scenario.ScenarioResult.Verdict;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// The library of scenarios on a real host: those that this machine can play come to the same as on
/// the simulated one. The others say what they lack.
@InRealKernel
class ScenariosInLinuxTest {
  /// Fewer would mean that the machine does not play what it should.
  private static final int FEWEST = 12;

  private static final List<Scenario> PLAYED = new ArrayList<>();

  static List<Scenario> library() {
    return ScenarioFunctions.library();
  }

  @ParameterizedTest
  @MethodSource("library")
  void comesToTheSameAsOnTheSimulatedHost(Scenario scenario) {
    ScenarioResult result = scenario.run(1, LinuxMachine::open);

    if (result.verdict() instanceof Verdict.Skipped(String reason)) {
      abort(reason);
    }
    result.requirePassed();
    PLAYED.add(scenario);
  }

  @AfterAll
  static void enoughWerePlayed() {
    assertThat(PLAYED).hasSizeGreaterThanOrEqualTo(FEWEST);
  }
}
