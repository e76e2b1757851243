package io.vpasid.it.load;

import io.vpasid.guest.scenario.DaemonMachines;
import io.vpasid.guest.scenario.Scenario;
import io.vpasid.guest.scenario.ScenarioFiles;
import io.vpasid.guest.scenario.ScenarioResult;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/// The scenario library in process and over a daemon, one scenario after the other.
final class ScenarioSteps implements AutoCloseable {
  private static final int PATIENCE_SECONDS = 60;

  private final Path folder;
  private final Process daemon;
  private final Path control;
  private final Path library;
  private final String program;

  private ScenarioSteps(Path root, Path folder, Process daemon, Path control) {
    this.folder = folder;
    this.daemon = daemon;
    this.control = control;
    library = root.resolve("scenarios");
    program = root.resolve("vpasid").toString();
  }

  /// Starts a daemon without functions, of the program as users run it.
  static ScenarioSteps open(Path root) throws IOException, InterruptedException {
    Path folder = Files.createTempDirectory("vpasid-load");
    Path configuration =
        Files.writeString(
            folder.resolve("serve.json"),
            """
            { "format": 1, "control": { "socket": "control" } }
            """);
    Process daemon =
        new ProcessBuilder(root.resolve("vpasid").toString(), "serve", configuration.toString())
            .redirectErrorStream(true)
            .redirectOutput(folder.resolve("log").toFile())
            .start();
    Path control = folder.resolve("control");
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
    while (!Files.exists(control)) {
      if (daemon.waitFor(Duration.ofMillis(20)) || System.nanoTime() > end) {
        throw new IOException(
            "The daemon does not serve: " + Files.readString(folder.resolve("log")));
      }
    }
    return new ScenarioSteps(root, folder, daemon, control);
  }

  /// Microseconds that a step takes, what each scenario needs before and after its steps included:
  /// that of the library, once more than is measured.
  Comparison step(int rounds) throws IOException {
    List<Scenario> scenarios = ScenarioFiles.read(List.of(library), "").scenarios();
    Comparison.Pairs pairs = new Comparison.Pairs();
    try (DaemonMachines machines = DaemonMachines.connect(control)) {
      for (int round = 0; round <= rounds; round++) {
        double inProcess = microsecondsPerStep(scenarios, Scenario.simulated(), round);
        double overDaemon = microsecondsPerStep(scenarios, machines, round);
        if (round > 0) {
          pairs.add(inProcess, overDaemon);
        }
      }
    }
    return pairs.in(" µs");
  }

  /// Of a scenario that fails only the steps that were made count.
  private static double microsecondsPerStep(
      List<Scenario> scenarios, Scenario.Machines machines, int seed) {
    long steps = 0;
    long nanoseconds = 0;
    for (Scenario scenario : scenarios) {
      ScenarioResult result = scenario.run(seed, machines);
      if (!result.isGood()) {
        System.err.println(scenario.name() + " fails with seed " + seed);
      }
      steps += result.steps();
      nanoseconds += result.took().toNanos();
    }
    return nanoseconds / 1e3 / steps;
  }

  /// Seconds that the whole library takes as a command, its start included.
  Spread library(int rounds) throws IOException {
    List<Double> seconds = new ArrayList<>();
    for (int i = 0; i < rounds; i++) {
      seconds.add(
          Commands.seconds(
              program,
              "run",
              library.toString(),
              "--seed",
              Integer.toString(i),
              "--connect",
              control.toString()));
    }
    return Spread.of(seconds);
  }

  @Override
  public void close() throws IOException {
    daemon.destroy();
    daemon.onExit().join();
    try (var left = Files.list(folder)) {
      for (Path file : left.toList()) {
        Files.delete(file);
      }
    }
    Files.delete(folder);
  }
}
