package io.vpasid.guest.cli.run;

import io.vpasid.guest.scenario.ScenarioResult;
import io.vpasid.guest.scenario.ScenarioResult.Verdict;
import java.util.List;
import java.util.Optional;

/// One run of a scenario, as a line of JSON has it.
///
/// @param place of a failure: `FILE:LINE:COLUMN`
/// @param message of a failure
/// @param trace the steps up to a failure
/// @param reason why it was skipped
record RunLine(
    String file,
    String name,
    long seed,
    long steps,
    long microseconds,
    String verdict,
    Optional<String> place,
    Optional<String> message,
    Optional<List<String>> trace,
    Optional<String> reason) {

  static RunLine of(ScenarioResult result) {
    return switch (result.verdict()) {
      case Verdict.Passed _ -> of(result, "passed", Optional.empty(), Optional.empty());
      case Verdict.Failed f -> of(result, "failed", Optional.of(f), Optional.empty());
      case Verdict.Skipped s -> of(result, "skipped", Optional.empty(), Optional.of(s.reason()));
    };
  }

  private static RunLine of(
      ScenarioResult result,
      String verdict,
      Optional<Verdict.Failed> failed,
      Optional<String> reason) {
    return new RunLine(
        result.scenario().file().toString(),
        result.scenario().name(),
        result.seed(),
        result.steps(),
        result.took().toNanos() / 1000,
        verdict,
        failed.map(Verdict.Failed::place),
        failed.map(Verdict.Failed::message),
        failed.map(Verdict.Failed::trace),
        reason);
  }
}
