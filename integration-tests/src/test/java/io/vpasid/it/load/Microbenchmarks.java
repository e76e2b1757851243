package io.vpasid.it.load;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.openjdk.jmh.profile.GCProfiler;
import org.openjdk.jmh.results.BenchmarkResult;
import org.openjdk.jmh.results.IterationResult;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;

/// What JMH measures of the classes in `io.vpasid.it.benchmark`.
///
/// @param scores of each iteration by `Class.method`, and by `Class.method:quantity` for what
///   profilers add
record Microbenchmarks(Map<String, List<Double>> scores) {

  /// Runs those that budgets are about.
  static Microbenchmarks run() throws RunnerException {
    Map<String, List<Double>> scores = new HashMap<>();
    for (RunResult result :
        new Runner(
                new OptionsBuilder()
                    .include("ConfigAccessBenchmark.(byteArray|emulated|.*Write)$")
                    .include("IoctlBenchmark")
                    .include("PlanBenchmark.planInOwnSlot")
                    .include("SimulatedAttachBenchmark")
                    .include("VtdAttachBenchmark")
                    .addProfiler(GCProfiler.class)
                    .forks(1)
                    .warmupIterations(4)
                    .warmupTime(TimeValue.seconds(1))
                    .measurementIterations(5)
                    .measurementTime(TimeValue.seconds(1))
                    .build())
            .run()) {
      String[] words = result.getParams().getBenchmark().split("\\.", -1);
      String name = words[words.length - 2] + "." + words[words.length - 1];
      for (BenchmarkResult fork : result.getBenchmarkResults()) {
        for (IterationResult iteration : fork.getIterationResults()) {
          add(scores, name, iteration.getPrimaryResult().getScore());
        }
        fork.getSecondaryResults()
            .forEach((quantity, value) ->
                add(scores, name + ":" + quantity.replace("·", ""), value.getScore()));
      }
    }
    return new Microbenchmarks(scores);
  }

  private static void add(Map<String, List<Double>> scores, String name, double score) {
    scores.computeIfAbsent(name, _ -> new ArrayList<>()).add(score);
  }

  /// Two of them side by side: iterations in the order in which they were made.
  Comparison beside(String baseline, String ours, String unit) {
    Comparison.Pairs pairs = new Comparison.Pairs();
    List<Double> own = found(ours);
    List<Double> other = found(baseline);
    for (int i = 0; i < Math.min(own.size(), other.size()); i++) {
      pairs.add(other.get(i), own.get(i));
    }
    return pairs.in(unit);
  }

  Spread spread(String name) {
    return Spread.of(found(name));
  }

  private List<Double> found(String name) {
    List<Double> found = scores.get(name);
    if (found == null) {
      throw new IllegalArgumentException("There is no " + name + " among " + scores.keySet());
    }
    return found;
  }
}
