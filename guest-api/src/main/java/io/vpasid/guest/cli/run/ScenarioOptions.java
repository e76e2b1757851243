package io.vpasid.guest.cli.run;

import io.vpasid.guest.cli.terminal.ExitCode;
import io.vpasid.guest.cli.terminal.Progress;
import io.vpasid.guest.cli.terminal.Terminal;
import io.vpasid.guest.config.ControlSocketPath;
import io.vpasid.guest.config.InputException;
import io.vpasid.guest.report.Json;
import io.vpasid.guest.scenario.DaemonMachines;
import io.vpasid.guest.scenario.JunitXml;
import io.vpasid.guest.scenario.Scenario;
import io.vpasid.guest.scenario.ScenarioBatch;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Stack;
import java.util.concurrent.ThreadLocalRandom;
import picocli.CommandLine.IParameterConsumer;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;

/// Options of `run` for scenarios, and the runs that they ask for.
final class ScenarioOptions {
  @Option(
      names = "--repeat",
      paramLabel = "N",
      description = "Run each scenario N times, each time with another seed. Default: 1.")
  private int repeat = 1;

  @Option(
      names = "--seed",
      paramLabel = "SEED",
      description = "Of the first random numbers. Default: another one each time; it is printed.")
  private Optional<Long> seed = Optional.empty();

  @Option(
      names = "--filter",
      paramLabel = "TEXT",
      description = "Run only scenarios whose name contains TEXT.")
  private String filter = "";

  @Option(
      names = "--jobs",
      paramLabel = "N",
      description = "How many scenarios run at the same time. Default: one for each processor.")
  private int jobs = Runtime.getRuntime().availableProcessors();

  @Option(names = "--list", description = "Print the names of the scenarios and run none.")
  private boolean list;

  @Option(
      names = "--junit-xml",
      paramLabel = "FILE",
      description = "Also write the results to FILE, as JUnit's XML.")
  private Optional<Path> junitXml = Optional.empty();

  @Option(
      names = "--connect",
      paramLabel = "SOCKET",
      arity = "0..1",
      parameterConsumer = ConnectConsumer.class,
      description =
          "Run them on functions that are added to the daemon with this control socket, whose"
              + " guests come through vfio-user. Without SOCKET: the one that ctl would use.")
  private Optional<Path> connect = Optional.empty();

  /// Takes the next argument as the socket unless it is an option or for scenarios.
  static final class ConnectConsumer implements IParameterConsumer {
    @Override
    public void consumeParameters(Stack<String> left, ArgSpec option, CommandSpec command) {
      boolean isSocket =
          !left.isEmpty() && !left.peek().startsWith("-") && !isScenario(left.peek());
      option.setValue(Optional.of(isSocket ? Path.of(left.pop()) : ControlSocketPath.usual()));
    }
  }

  /// Whether they run in a daemon.
  boolean isConnected() {
    return connect.isPresent();
  }

  /// Whether `source` is for scenarios and not a dump.
  static boolean isScenario(String source) {
    return ScenarioBatch.isForScenarios(Path.of(source));
  }

  /// Runs the scenarios of files and folders.
  ///
  /// @return the exit code: whether none failed
  int run(List<String> sources, boolean json, Terminal terminal, PrintWriter out, PrintWriter err) {
    if (repeat < 1 || jobs < 1) {
      throw new InputException("--repeat and --jobs take a number of at least 1");
    }
    junitXml.ifPresent(ScenarioOptions::checkFolder);
    List<Scenario> scenarios =
        ScenarioBatch.files(sources.stream().map(Path::of).toList()).stream()
            .flatMap(file -> Scenario.read(file).stream())
            .filter(scenario -> scenario.name().contains(filter))
            .toList();
    if (scenarios.isEmpty()) {
      throw new InputException(
          filter.isEmpty()
              ? "there is no scenario in " + String.join(", ", sources)
              : "no scenario's name contains '" + filter + "'; --list shows the names");
    }
    if (list) {
      list(scenarios, json, out);
      return ExitCode.DONE;
    }
    if (connect.isEmpty()) {
      return run(scenarios, Scenario.simulated(), json, terminal, out, err);
    }
    try (DaemonMachines machines = DaemonMachines.connect(connect.get())) {
      return run(scenarios, machines, json, terminal, out, err);
    } catch (IOException e) {
      err.println("vpasid: " + e.getMessage() + "; is a daemon running there (vpasid serve)?");
      return ExitCode.ENVIRONMENT;
    }
  }

  private int run(
      List<Scenario> scenarios,
      Scenario.Machines machines,
      boolean json,
      Terminal terminal,
      PrintWriter out,
      PrintWriter err) {
    long first = seed.orElseGet(() -> ThreadLocalRandom.current().nextLong(1_000_000_000));
    ScenarioBatch batch = new ScenarioBatch(scenarios, repeat, first);
    ScenarioTally tally = new ScenarioTally(first, System.nanoTime());
    JunitXml xml = new JunitXml();
    Progress progress =
        new Progress(err, terminal.errors(), "runs", (int) Math.min(batch.runs(), 1 << 30));
    Optional<String> gone = Optional.empty();
    try {
      batch.run(
          jobs,
          machines,
          result -> {
            tally.add(result);
            if (junitXml.isPresent()) {
              xml.add(result);
            }
            if (json) {
              Json.printLine(out, ScenarioTally.toJson(result));
              out.flush(); // who interrupts a long run has the results so far
            }
            progress.at((int) tally.runs(), result.scenario().name());
          });
    } catch (UncheckedIOException e) {
      gone = Optional.of(String.valueOf(e.getMessage()));
    }
    progress.end();
    junitXml.ifPresent(file -> write(xml, file));
    if (!json) {
      tally.print(out, scenarios.size(), connect);
    }
    if (gone.isPresent()) {
      out.flush();
      long without = batch.runs() - tally.runs();
      err.println("vpasid: " + gone.get() + "; " + without + " runs have no result");
      return ExitCode.ENVIRONMENT;
    }
    return tally.isGood() ? ExitCode.DONE : ExitCode.NO;
  }

  private static void list(List<Scenario> scenarios, boolean json, PrintWriter out) {
    for (Scenario scenario : scenarios) {
      if (json) {
        Map<String, Object> line = Json.object();
        line.put("file", scenario.file().toString());
        line.put("name", scenario.name());
        line.put("title", scenario.title());
        Json.printLine(out, line);
      } else {
        out.printf("%-40s %s%n", scenario.name(), scenario.title());
      }
    }
  }

  /// Said before the runs and not after them.
  private static void checkFolder(Path file) {
    if (Files.isDirectory(file)) {
      throw new InputException(file + ": is a folder; name a file in it");
    }
    Path folder = file.toAbsolutePath().getParent();
    if (folder != null && !Files.isDirectory(folder)) {
      throw new InputException(file + ": cannot be written: there is no folder " + folder);
    }
  }

  private static void write(JunitXml xml, Path file) {
    try (Writer writer = Files.newBufferedWriter(file)) {
      xml.write(writer);
    } catch (IOException e) {
      throw InputException.unwritable(file, e);
    }
  }
}
