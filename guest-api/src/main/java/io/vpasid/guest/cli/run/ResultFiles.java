package io.vpasid.guest.cli.run;

import io.vpasid.guest.cli.terminal.OutputFile;
import io.vpasid.guest.config.InputException;
import io.vpasid.guest.scenario.ScenarioResult;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;

/// The files that `--junit-xml` and `--html` name. They are written once, at the end of the runs or
/// when a signal ends the process, so that no file of an earlier run stands for this one.
final class ResultFiles implements AutoCloseable {
  private final Map<Path, BatchReport> files;
  private final PrintWriter err;
  private final Thread atEndOfProcess = new Thread(this::interrupted, "result-files");
  private boolean finished;

  private ResultFiles(Map<Path, BatchReport> files, PrintWriter err) {
    this.files = files;
    this.err = err;
  }

  /// @param files what to write where
  /// @param err where it is told that a signal came and what cannot be written then
  static ResultFiles open(Map<Path, BatchReport> files, PrintWriter err) {
    ResultFiles results = new ResultFiles(files, err);
    if (!files.isEmpty()) {
      Runtime.getRuntime().addShutdownHook(results.atEndOfProcess);
    }
    return results;
  }

  void add(ScenarioResult result) {
    files.values().forEach(report -> report.add(result));
  }

  /// Writes the files, unless they were written already.
  ///
  /// @param problem why runs have no result
  /// @throws InputException if one cannot be written
  synchronized void finish(Optional<String> problem) {
    if (!finished) {
      finished = true;
      files.forEach((file, report) -> OutputFile.write(file, to -> report.write(to, problem)));
    }
  }

  private void interrupted() {
    try {
      finish(Optional.of("a signal ended the runs"));
      files
          .keySet()
          .forEach(
              file -> err.println("vpasid: a signal ended the runs; " + file + " has the results"));
    } catch (InputException e) {
      err.println("vpasid: " + e.getMessage());
    }
  }

  @Override
  public void close() {
    if (!files.isEmpty()) {
      try {
        Runtime.getRuntime().removeShutdownHook(atEndOfProcess);
      } catch (IllegalStateException _) {
        // The process is ending, and the hook writes.
      }
    }
  }
}
