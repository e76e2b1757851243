package io.vpasid.guest.scenario;

import io.vpasid.guest.scenario.junit.ScenarioTest;

/// Every scenario that the project ships passes on the simulated host, whatever the random numbers.
class ScenarioLibraryTest {

  @ScenarioTest("../scenarios")
  void passes(Scenario scenario) {
    scenario.run(1).requirePassed();
  }

  @ScenarioTest(value = "../scenarios", filter = "storm")
  void passesWithOtherRandomNumbers(Scenario scenario) {
    scenario.run(2).requirePassed();
    scenario.run(3).requirePassed();
  }
}
