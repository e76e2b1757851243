package io.vpasid.guest.cli.run;

import io.vpasid.guest.cli.terminal.OutputFile;
import io.vpasid.guest.config.ControlSocketPath;
import io.vpasid.guest.config.InputException;
import io.vpasid.guest.html.HtmlPage;
import io.vpasid.guest.scenario.ScenarioFiles;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Stack;
import java.util.concurrent.ThreadLocalRandom;
import picocli.CommandLine.IParameterConsumer;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;

/// Options of `run` for scenarios.
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
      description =
          "Also write the results to FILE, as JUnit's XML, whatever they are: files that are wrong"
              + " are errors in it, and runs that a signal kept from being run are skipped. It"
              + " replaces such a report, and nothing else.")
  private Optional<Path> junitXml = Optional.empty();

  @Option(
      names = "--html",
      paramLabel = "FILE",
      description =
          "Also write the results to FILE, as a page for a browser that needs no network. It replaces"
              + " a page of vpasid, and nothing else.")
  private Optional<Path> html = Optional.empty();

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

  /// True if a source is for scenarios and not a dump.
  static boolean isScenario(String source) {
    return ScenarioFiles.areAt(Path.of(source));
  }

  /// Refuses what cannot be before anything is run.
  void check() {
    if (repeat < 1 || jobs < 1) {
      throw new InputException("--repeat and --jobs take a number of at least 1");
    }
    junitXml.ifPresent(
        file -> OutputFile.checkReplaces(file, JunitXml.BEGIN, "a report of vpasid run"));
    html.ifPresent(file -> OutputFile.checkReplaces(file, HtmlPage.START, "a page of vpasid"));
    if (html.isPresent() && html.equals(junitXml)) {
      throw new InputException("--html and --junit-xml name the same file: name two");
    }
  }

  int repeat() {
    return repeat;
  }

  /// The seed of the first round: the one that was given, or any.
  long seed() {
    return seed.orElseGet(() -> ThreadLocalRandom.current().nextLong(1_000_000_000));
  }

  int jobs() {
    return jobs;
  }

  /// True if names are wanted and no runs.
  boolean list() {
    return list;
  }

  /// The scenarios that are meant, of some files and folders.
  ScenarioFiles read(List<String> sources) {
    return ScenarioFiles.read(sources.stream().map(Path::of).toList(), filter);
  }

  /// The reason why there are none.
  String nothing(List<String> sources) {
    return filter.isEmpty()
        ? "there is no scenario in " + String.join(", ", sources)
        : "no scenario's name contains '" + filter + "'; --list shows the names";
  }

  Optional<Path> junitXml() {
    return junitXml;
  }

  Optional<Path> html() {
    return html;
  }

  /// The control socket of the daemon to run them in.
  Optional<Path> connect() {
    return connect;
  }
}
