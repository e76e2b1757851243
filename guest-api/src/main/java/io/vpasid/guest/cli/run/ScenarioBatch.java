package io.vpasid.guest.cli.run;

import io.vpasid.guest.scenario.Scenario;
import io.vpasid.guest.scenario.ScenarioResult;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Consumer;

/// Many runs: every one of some scenarios, as often as wanted, some at the same time.
///
/// The results come in the order of the scenarios, whichever run ends first, and do not depend on
/// how many run at the same time.
public final class ScenarioBatch {
  /// Runs per thread that are started ahead of the one whose turn it is, so that a long batch needs
  /// no more memory than a short one.
  private static final int AHEAD = 8;

  private final List<Scenario> scenarios;
  private final int repeat;
  private final long seed;

  /// @param scenarios what to run
  /// @param repeat how often to run each, at least 1
  /// @param seed of the first round's random numbers; the next round has the next number
  public ScenarioBatch(List<Scenario> scenarios, int repeat, long seed) {
    this.scenarios = List.copyOf(scenarios);
    this.repeat = repeat;
    this.seed = seed;
  }

  /// The scenarios, each once.
  List<Scenario> scenarios() {
    return scenarios;
  }

  /// The number of runs of each.
  int repeat() {
    return repeat;
  }

  /// The seed of the first round.
  public long seed() {
    return seed;
  }

  /// The number of runs.
  public long runs() {
    return (long) scenarios.size() * repeat;
  }

  /// Runs them.
  ///
  /// @param threads how many at the same time, at least 1
  /// @param machines what they run on
  /// @param each hears of each result, on the calling thread
  ///
  /// @throws java.io.UncheckedIOException if what the machines stand on is gone; no more runs start
  ///   then
  public void run(int threads, Scenario.Machines machines, Consumer<ScenarioResult> each) {
    try (ExecutorService workers =
        Executors.newFixedThreadPool(
            threads, Thread.ofPlatform().name("scenarios-", 0).factory())) {
      Deque<Future<ScenarioResult>> started = new ArrayDeque<>();
      try {
        for (int round = 0; round < repeat; round++) {
          long roundSeed = seed + round;
          for (Scenario scenario : scenarios) {
            if (started.size() == threads * AHEAD) {
              each.accept(started.removeFirst().get());
            }
            started.add(workers.submit(() -> scenario.run(roundSeed, machines)));
          }
        }
        while (!started.isEmpty()) {
          each.accept(started.removeFirst().get());
        }
      } finally {
        started.forEach(left -> left.cancel(false));
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("Interrupted while scenarios were running.", e);
    } catch (ExecutionException e) {
      if (e.getCause() instanceof RuntimeException bug) {
        throw bug;
      }
      throw new IllegalStateException("A scenario ended unexpectedly.", e.getCause());
    }
  }
}
