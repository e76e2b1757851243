package io.vpasid.guest.scenario;

import java.time.Duration;
import java.util.List;

/// The result of a run of a scenario.
///
/// @param scenario which
/// @param seed of its random numbers; a run with the same seed does the same
/// @param steps how many were done, those of repetitions counted each time
/// @param took how long it took
/// @param verdict whether it passed, and why not
public record ScenarioResult(
    Scenario scenario, long seed, long steps, Duration took, Verdict verdict) {

  /// The end that it came to.
  public sealed interface Verdict {
    /// Every step came to what it must.
    record Passed() implements Verdict {}

    /// A step did not.
    ///
    /// @param place `FILE:LINE:COLUMN` of the step
    /// @param message what was expected and what came of it
    /// @param trace the steps up to this one, each as `LINE:COLUMN STEP`; the last ones of many
    record Failed(String place, String message, List<String> trace) implements Verdict {
      public Failed {
        trace = List.copyOf(trace);
      }
    }

    /// It cannot be run on these machines.
    ///
    /// @param reason why
    record Skipped(String reason) implements Verdict {}
  }

  /// True if it did not fail.
  public boolean isGood() {
    return !(verdict instanceof Verdict.Failed);
  }

  /// Throws if it failed.
  ///
  /// @throws AssertionError with the place, the message and the seed
  public void requirePassed() {
    if (verdict instanceof Verdict.Failed f) {
      throw new AssertionError(f.place() + ": " + f.message() + " (seed " + seed + ")");
    }
  }
}
