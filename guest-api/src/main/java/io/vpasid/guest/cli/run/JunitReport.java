package io.vpasid.guest.cli.run;

import io.vpasid.guest.config.InputException;
import io.vpasid.guest.scenario.JunitXml;
import io.vpasid.guest.scenario.ScenarioBatch;
import io.vpasid.guest.scenario.ScenarioFiles;
import io.vpasid.guest.scenario.ScenarioResult;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/// The file that `--junit-xml` names. It is written once, at the end of the runs or when a signal
/// ends the process, so that no file of an earlier run stands for this one.
final class JunitReport implements AutoCloseable {
  private final Optional<Path> file;
  private final JunitXml xml;
  private final PrintWriter err;
  private final Thread atEndOfProcess = new Thread(this::interrupted, "junit-xml");
  private boolean finished;

  private JunitReport(Optional<Path> file, JunitXml xml, PrintWriter err) {
    this.file = file;
    this.xml = xml;
    this.err = err;
  }

  /// @param file nothing is written without one
  /// @param err where it is told that a signal came and what cannot be written then
  static JunitReport open(
      Optional<Path> file,
      List<ScenarioFiles.Broken> broken,
      ScenarioBatch batch,
      PrintWriter err) {
    JunitReport report = new JunitReport(file, new JunitXml(broken, batch), err);
    if (file.isPresent()) {
      Runtime.getRuntime().addShutdownHook(report.atEndOfProcess);
    }
    return report;
  }

  void add(ScenarioResult result) {
    if (file.isPresent()) {
      xml.add(result);
    }
  }

  /// Writes the file, unless it was written already.
  ///
  /// @param problem why runs have no result
  /// @throws InputException if it cannot be written
  synchronized void finish(Optional<String> problem) {
    if (file.isEmpty() || finished) {
      return;
    }
    finished = true;
    try (Writer writer = Files.newBufferedWriter(file.get())) {
      xml.write(writer, problem);
    } catch (IOException e) {
      throw InputException.unwritable(file.get(), e);
    }
  }

  private void interrupted() {
    try {
      finish(Optional.of("a signal ended the runs"));
      err.println("vpasid: a signal ended the runs; " + file.orElseThrow() + " has the results");
    } catch (InputException e) {
      err.println("vpasid: " + e.getMessage());
    }
  }

  @Override
  public void close() {
    if (file.isPresent()) {
      try {
        Runtime.getRuntime().removeShutdownHook(atEndOfProcess);
      } catch (IllegalStateException _) {
        // The process is ending, and the hook writes.
      }
    }
  }
}
