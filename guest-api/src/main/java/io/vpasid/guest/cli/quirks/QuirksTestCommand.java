package io.vpasid.guest.cli.quirks;

import io.vpasid.guest.cli.option.SynthesisOptions;
import io.vpasid.guest.cli.terminal.ExitCode;
import io.vpasid.guest.config.DumpReader;
import io.vpasid.guest.config.InputException;
import io.vpasid.guest.report.Finding;
import io.vpasid.guest.report.FindingFormat;
import io.vpasid.guest.report.Findings;
import io.vpasid.guest.report.Json;
import io.vpasid.guest.report.PlacementChange;
import io.vpasid.pci.dump.HostFunction;
import io.vpasid.synth.quirk.LintFinding.Severity;
import io.vpasid.synth.quirk.QuirkLint;
import io.vpasid.synth.quirk.QuirkTable;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/// Holds quirk files against a folder of dumps.
@Command(
    name = "test",
    header = "Says which placements quirk files change in a folder of dumps.",
    description = {
      "Plans every function of every dump with and without the files that --quirks names, and says"
          + " which placements change, and what in the files the dumps contradict. Without --quirks"
          + " it holds the installed table against none.",
      "It fails if the files are about none of the functions, if a function loses its vPASID though"
          + " no entry refuses it, and on errors in the files.",
      ""
    },
    mixinStandardHelpOptions = true,
    exitCodeListHeading = "%nExit codes:%n",
    exitCodeList = {
      "0:the files are good",
      "1:they are not; with --no-changes also: a placement changes",
      "2:bad usage, a quirk file that cannot be used, or no dump"
    },
    footerHeading = "%nExamples:%n",
    footer = {
      "  vpasid quirks test dumps/ --quirks acme.json",
      "  vpasid quirks test dumps/ --quirks acme.json --format github"
    })
final class QuirksTestCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Parameters(
      paramLabel = "DIR",
      arity = "1..*",
      description = "A folder of dumps, or a dump (lspci -xxxx text, hex of any tool, raw bytes).")
  private List<Path> dumps;

  @Mixin private SynthesisOptions options;

  @Option(names = "--no-changes", description = "Fail if a placement changes.")
  private boolean noChanges;

  @Option(
      names = "--format",
      paramLabel = "FORMAT",
      description =
          "text; json; findings and changes together: github, as annotations of GitHub Actions;"
              + " sarif, as SARIF 2.1.0; gitlab, as a code quality report. Default: text.")
  private FindingFormat format = FindingFormat.TEXT;

  @Option(names = "--json", description = "The same as --format json.")
  private boolean json;

  /// The effects of the files on the functions of the dumps.
  ///
  /// @param meant how many functions they are about
  private record Result(
      boolean good,
      int files,
      int functions,
      int meant,
      List<PlacementChange> changes,
      List<Finding> findings) {

    /// As in `2 functions in 1 file, 1 with an entry about it, no placement changed`.
    String summary() {
      return "%s in %s, %s with an entry about %s, %s changed"
          .formatted(
              Findings.counted(functions, "function"),
              Findings.counted(files, "file"),
              meant == 0 ? "none" : meant,
              meant == 1 ? "it" : "them",
              changes.isEmpty() ? "no placement" : Findings.counted(changes.size(), "placement"));
    }
  }

  private final List<PlacementChange> changes = new ArrayList<>();
  private final List<Finding> changeFindings = new ArrayList<>();
  private final List<HostFunction> meant = new ArrayList<>();
  private int functions;

  @Override
  public Integer call() {
    Json.checkFormat(json, format);
    PrintWriter err = spec.commandLine().getErr();
    Result result = result(err);
    print(result);
    return result.good ? ExitCode.DONE : ExitCode.NO;
  }

  private Result result(PrintWriter err) {
    boolean named = !options.quirkPaths().isEmpty();
    QuirkTable with = options.quirkTable();
    QuirkTable without = named ? QuirkTable.installed() : QuirkTable.empty();
    options.noteAssumptions(err);
    int files = DumpReader.forEach(dumps, err, read -> read.forEach(f -> test(f, without, with)));
    if (functions == 0) {
      throw new InputException(DumpReader.nothingIn(dumps));
    }
    if (!named) {
      err.println("vpasid: note: no --quirks, so the entries that are installed are tested");
    }
    List<Finding> findings =
        meant.isEmpty()
            ? List.of(nothingTested(named))
            : QuirkLint.check(with, meant).stream()
                .filter(f -> !named || f.layer().equals(QuirkTable.COMMAND_LINE))
                .filter(f -> named || f.severity() != Severity.NOTE)
                .map(Finding::of)
                .toList();
    boolean good =
        Stream.concat(findings.stream(), changeFindings.stream())
            .noneMatch(f -> f.severity() == Severity.ERROR);
    return new Result(good, files, functions, meant.size(), changes, findings);
  }

  private Finding nothingTested(boolean named) {
    String what = "is about any of the functions in these dumps, so nothing was tested; ";
    return new Finding(
        Severity.ERROR,
        "nothing-tested",
        (named ? options.quirkPaths() : dumps).getFirst().toString(),
        0,
        0,
        named
            ? "no entry here %svpasid quirks explain DUMP --quirks %s tells of each entry why"
                .formatted(what, options.quirkPaths().getFirst())
            : "no installed entry " + what + "name a file of yours with --quirks",
        "No entry is about any function of the dumps.");
  }

  private void test(HostFunction function, QuirkTable without, QuirkTable with) {
    functions++;
    PlacementChange.Comparison comparison =
        PlacementChange.compare(
            function, options.request(function, without), options.request(function, with));
    if (comparison.meant()) {
      meant.add(function);
    }
    comparison.change().ifPresent(changes::add);
    comparison
        .finding()
        .map(f -> noChanges ? f.as(Severity.ERROR) : f)
        .ifPresent(changeFindings::add);
  }

  private void print(Result result) {
    PrintWriter out = spec.commandLine().getOut();
    switch (json ? FindingFormat.JSON : format) {
      case JSON -> Json.print(out, result);
      case TEXT -> {
        result.findings.forEach(out::println);
        changeFindings.forEach(f ->
            out.println(
                f.severity() == Severity.NOTE ? f.place() + ": " + f.message() : f.toString()));
        out.println(result.summary());
      }
      case GITHUB, SARIF, GITLAB ->
          new Findings(Stream.concat(result.findings.stream(), changeFindings.stream()).toList())
              .print(out, format);
    }
  }
}
