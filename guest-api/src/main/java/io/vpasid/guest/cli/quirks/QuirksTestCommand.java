package io.vpasid.guest.cli.quirks;

import io.vpasid.guest.cli.option.SynthesisOptions;
import io.vpasid.guest.cli.terminal.ExitCode;
import io.vpasid.guest.config.DumpReader;
import io.vpasid.guest.config.InputException;
import io.vpasid.guest.report.FindingReport;
import io.vpasid.guest.report.Json;
import io.vpasid.guest.report.PlacementChange;
import io.vpasid.pci.dump.HostFunction;
import io.vpasid.synth.quirk.LintFinding;
import io.vpasid.synth.quirk.LintFinding.Severity;
import io.vpasid.synth.quirk.QuirkLint;
import io.vpasid.synth.quirk.QuirkTable;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
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
          "text; json; github: findings and changes as annotations of GitHub Actions. Default:"
              + " text.")
  private FindingReport.Format format = FindingReport.Format.TEXT;

  @Option(names = "--json", description = "The same as --format json.")
  private boolean json;

  private final List<PlacementChange> changes = new ArrayList<>();
  private final List<HostFunction> meant = new ArrayList<>();
  private int functions;

  @Override
  public Integer call() {
    Json.checkFormat(json, format);
    PrintWriter out = spec.commandLine().getOut();
    PrintWriter err = spec.commandLine().getErr();
    boolean named = !options.quirkPaths().isEmpty();
    QuirkTable with = options.quirkTable();
    QuirkTable without = named ? QuirkTable.installed() : QuirkTable.empty();
    options.noteAssumptions(err);
    int files = DumpReader.forEach(dumps, err, read -> read.forEach(f -> test(f, without, with)));
    if (functions == 0) {
      throw new InputException(DumpReader.nothingIn(dumps));
    }
    List<LintFinding> findings =
        QuirkLint.check(with, meant).stream()
            .filter(f -> !named || f.layer().equals(QuirkTable.COMMAND_LINE))
            .filter(f -> named || f.severity() != Severity.NOTE)
            .toList();
    boolean good =
        !meant.isEmpty()
            && FindingReport.count(findings, Severity.ERROR) == 0
            && changes.stream().noneMatch(PlacementChange::isLost)
            && !(noChanges && !changes.isEmpty());
    if (json || format == FindingReport.Format.JSON) {
      Json.print(out, toJson(files, findings, good));
    } else {
      FindingReport.print(out, format, findings);
      changes.forEach(
          c -> out.println(format == FindingReport.Format.GITHUB ? c.annotation() : c.toString()));
      if (format == FindingReport.Format.TEXT) {
        printSummary(out, files);
      }
    }
    if (meant.isEmpty()) {
      err.println("vpasid: no entry is about any function of these dumps, so nothing was tested");
    }
    return good ? ExitCode.DONE : ExitCode.NO;
  }

  private void test(HostFunction function, QuirkTable without, QuirkTable with) {
    functions++;
    PlacementChange change =
        PlacementChange.of(
            function, options.request(function, without), options.request(function, with));
    if (change.isMeant()) {
      meant.add(function);
    }
    if (change.isOne()) {
      changes.add(change);
    }
  }

  private void printSummary(PrintWriter out, int files) {
    out.printf(
        "%s in %s, %d of them meant, %s%n",
        FindingReport.counted(functions, "function"),
        FindingReport.counted(files, "file"),
        meant.size(),
        changes.isEmpty()
            ? "no placement changes"
            : FindingReport.counted(changes.size(), "placement")
                + (changes.size() == 1 ? " changes" : " change"));
  }

  private Map<String, Object> toJson(int files, List<LintFinding> findings, boolean good) {
    Map<String, Object> object = Json.object();
    object.put("good", good);
    object.put("files", files);
    object.put("functions", functions);
    object.put("meant", meant.size());
    object.put("changes", changes.stream().map(PlacementChange::toJson).toList());
    object.put("findings", findings.stream().map(FindingReport::toJson).toList());
    return object;
  }
}
