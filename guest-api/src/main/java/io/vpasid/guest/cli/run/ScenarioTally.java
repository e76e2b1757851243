package io.vpasid.guest.cli.run;

import io.vpasid.guest.report.Findings;
import io.vpasid.guest.scenario.ScenarioResult;
import io.vpasid.guest.scenario.ScenarioResult.Verdict;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/// The sum of the runs of scenarios: the numbers, the first failures, why runs were skipped.
final class ScenarioTally {
  /// Most failures that are printed; the others are counted.
  private static final int MAX_FAILURES = 20;

  private final long seed;
  private final long start;
  private long passed;
  private long skipped;
  private long failed;
  private long steps;
  private final List<ScenarioResult> failures = new ArrayList<>();
  private final Map<String, Skips> skips = new LinkedHashMap<>();

  /// Runs that were skipped for the same reason.
  ///
  /// @param first name of the first scenario
  private record Skips(String first, long runs) {
    Skips and(Skips more) {
      return new Skips(first, runs + more.runs);
    }
  }

  /// @param seed the first run's
  /// @param start when the first run starts, by [System#nanoTime]
  ScenarioTally(long seed, long start) {
    this.seed = seed;
    this.start = start;
  }

  /// Counts a result.
  void add(ScenarioResult result) {
    steps += result.steps();
    switch (result.verdict()) {
      case Verdict.Passed _ -> passed++;
      case Verdict.Skipped s -> {
        skipped++;
        skips.merge(s.reason(), new Skips(result.scenario().name(), 1), Skips::and);
      }
      case Verdict.Failed _ -> {
        failed++;
        if (failures.size() < MAX_FAILURES) {
          failures.add(result);
        }
      }
    }
  }

  /// The number of results.
  long runs() {
    return passed + failed + skipped;
  }

  /// True if none failed.
  boolean isGood() {
    return failed == 0;
  }

  /// Prints the failures, what was skipped, and the sum.
  ///
  /// @param scenarios how many were to run
  /// @param connect the control socket of the daemon that they ran in
  void print(PrintWriter out, long scenarios, Optional<Path> connect) {
    for (ScenarioResult failure : failures) {
      if (failure.verdict() instanceof Verdict.Failed f) {
        out.printf("FAILED %s%n", failure.scenario().name());
        f.trace().forEach(step -> out.printf("    %s%n", step));
        out.printf("  %s: %s%n", f.place(), f.message());
        out.printf(
            "  again: vpasid run %s --filter '%s' --seed %d%s%n",
            failure.scenario().file(),
            failure.scenario().name(),
            failure.seed(),
            connect.map(socket -> " --connect " + socket).orElse(""));
      }
    }
    if (failed > failures.size()) {
      out.printf("and %d more failures; --json has them all%n", failed - failures.size());
    }
    skips.forEach((reason, count) ->
        out.printf("SKIPPED %d, the first %s: %s%n", count.runs, count.first, reason));
    out.printf(
        Locale.ROOT,
        "%s, %s with %s in %.1f s, seed %d: %d passed, %d failed, %d skipped%n",
        Findings.counted(scenarios, "scenario"),
        Findings.counted(runs(), "run"),
        Findings.counted(steps, "step"),
        (System.nanoTime() - start) / 1e9,
        seed,
        passed,
        failed,
        skipped);
  }
}
