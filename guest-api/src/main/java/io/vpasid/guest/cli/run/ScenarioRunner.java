package io.vpasid.guest.cli.run;

import io.vpasid.guest.cli.terminal.ExitCode;
import io.vpasid.guest.cli.terminal.Progress;
import io.vpasid.guest.cli.terminal.Terminal;
import io.vpasid.guest.config.InputException;
import io.vpasid.guest.report.Json;
import io.vpasid.guest.scenario.DaemonMachines;
import io.vpasid.guest.scenario.Scenario;
import io.vpasid.guest.scenario.ScenarioFiles;
import io.vpasid.guest.scenario.ScenarioResult;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Runs the scenarios of files and folders, and tells what came of it.
final class ScenarioRunner {
  private final ScenarioOptions options;
  private final boolean json;
  private final Terminal terminal;
  private final PrintWriter out;
  private final PrintWriter err;

  /// A scenario in a list.
  private record Listed(String file, String name, String title) {}

  ScenarioRunner(
      ScenarioOptions options, boolean json, Terminal terminal, PrintWriter out, PrintWriter err) {
    this.options = options;
    this.json = json;
    this.terminal = terminal;
    this.out = out;
    this.err = err;
  }

  /// Runs them. Files that are wrong are told first, and keep no other from being run.
  ///
  /// @return the exit code: 2 if a file is wrong, or else whether no run failed
  int run(List<String> sources) {
    options.check();
    ScenarioFiles files = options.read(sources);
    files.broken().forEach(b -> err.println("vpasid: " + b.message()));
    if (options.list()) {
      requireSome(files, sources);
      files.scenarios().forEach(this::list);
      return files.broken().isEmpty() ? ExitCode.DONE : ExitCode.USAGE;
    }
    ScenarioBatch batch = new ScenarioBatch(files.scenarios(), options.repeat(), options.seed());
    try (ResultFiles report = ResultFiles.open(reports(files, batch), err)) {
      try {
        requireSome(files, sources);
        int code = run(batch, report);
        return files.broken().isEmpty() ? code : ExitCode.USAGE;
      } catch (InputException e) {
        report.finish(Optional.of(String.valueOf(e.getMessage())));
        throw e;
      } catch (IOException | UncheckedIOException e) {
        report.finish(Optional.of(String.valueOf(e.getMessage())));
        out.flush();
        err.println("vpasid: " + e.getMessage());
        return ExitCode.ENVIRONMENT;
      }
    }
  }

  private Map<Path, BatchReport> reports(ScenarioFiles files, ScenarioBatch batch) {
    Map<Path, BatchReport> reports = new LinkedHashMap<>();
    options.junitXml().ifPresent(to -> reports.put(to, new JunitXml(files.broken(), batch)));
    options.html().ifPresent(to -> reports.put(to, new ScenarioPage(files.broken(), batch)));
    return reports;
  }

  private void requireSome(ScenarioFiles files, List<String> sources) {
    if (files.scenarios().isEmpty() && files.broken().isEmpty()) {
      throw new InputException(options.nothing(sources));
    }
  }

  private void list(Scenario scenario) {
    if (json) {
      Json.printLine(
          out, new Listed(scenario.file().toString(), scenario.name(), scenario.title()));
    } else {
      out.printf("%-40s %s%n", scenario.name(), scenario.title());
    }
  }

  private int run(ScenarioBatch batch, ResultFiles report) throws IOException {
    if (options.connect().isEmpty()) {
      return run(batch, Scenario.simulated(), report);
    }
    DaemonMachines connected;
    try {
      connected = DaemonMachines.connect(options.connect().get());
    } catch (IOException e) {
      throw new IOException(e.getMessage() + "; is a daemon running there (vpasid serve)?", e);
    }
    try (DaemonMachines machines = connected) {
      return run(batch, machines, report);
    }
  }

  private int run(ScenarioBatch batch, Scenario.Machines machines, ResultFiles report) {
    ScenarioTally tally = new ScenarioTally(batch.seed(), System.nanoTime());
    Progress progress =
        new Progress(err, terminal.errors(), "runs", (int) Math.min(batch.runs(), 1 << 30));
    try {
      batch.run(
          options.jobs(),
          machines,
          result -> {
            tally.add(result);
            report.add(result);
            tell(result);
            progress.at((int) tally.runs(), result.scenario().name());
          });
    } catch (UncheckedIOException e) {
      throw new UncheckedIOException(
          "%s; %d runs have no result".formatted(e.getMessage(), batch.runs() - tally.runs()),
          e.getCause());
    } finally {
      progress.end();
      if (!json && batch.runs() > 0) {
        tally.print(out, batch.runs() / options.repeat(), options.connect());
      }
    }
    report.finish(Optional.empty());
    return tally.isGood() ? ExitCode.DONE : ExitCode.NO;
  }

  private void tell(ScenarioResult result) {
    if (json) {
      Json.printLine(out, RunLine.of(result));
      out.flush(); // who interrupts a long run has the results so far
    }
  }
}
