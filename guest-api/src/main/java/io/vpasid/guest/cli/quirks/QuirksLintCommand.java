package io.vpasid.guest.cli.quirks;

import io.vpasid.guest.cli.terminal.ExitCode;
import io.vpasid.guest.config.DumpReader;
import io.vpasid.guest.config.InputException;
import io.vpasid.guest.report.Finding;
import io.vpasid.guest.report.FindingFormat;
import io.vpasid.guest.report.Findings;
import io.vpasid.guest.report.Json;
import io.vpasid.pci.dump.HostFunction;
import io.vpasid.pci.dump.PciNames;
import io.vpasid.synth.json.JsonFileException;
import io.vpasid.synth.quirk.LintFinding;
import io.vpasid.synth.quirk.LintFinding.Severity;
import io.vpasid.synth.quirk.LintRule;
import io.vpasid.synth.quirk.QuirkFileText;
import io.vpasid.synth.quirk.QuirkLint;
import io.vpasid.synth.quirk.QuirkTable;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/// Looks for mistakes in quirk files.
@Command(
    name = "lint",
    header = "Looks for mistakes in quirk files.",
    description = {
      "Looks for mistakes in quirk files: what cannot be read, with the place and what was probably"
          + " meant; files that are not read at all; ranges outside the configuration space,"
          + " overlaps, bytes that are called available and hidden, entries or values that others"
          + " make useless, vendors and devices that pci.ids does not have, missing sources. With"
          + " --dumps also what captured functions contradict: a place or available bytes on a"
          + " capability, registers that leave no room for a vPASID.",
      ""
    },
    mixinStandardHelpOptions = true,
    exitCodeListHeading = "%nExit codes:%n",
    exitCodeList = {
      "0:no errors",
      "1:errors; with --strict also warnings",
      "2:bad usage, or a file or an entry that cannot be read"
    },
    footerHeading = "%nExamples:%n",
    footer = {
      "  vpasid quirks lint acme.json",
      "  vpasid quirks lint quirks.d/ --dumps dumps/ --format github --strict"
    })
final class QuirksLintCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Parameters(
      paramLabel = "PATH",
      arity = "0..*",
      description =
          "A quirk file, or a directory of them. Default: those that are installed, with the"
              + " built-in ones.")
  private List<Path> paths = List.of();

  @Option(
      names = "--dumps",
      paramLabel = "PATH",
      description =
          "Hold the entries against the functions in this dump, or in all dumps in this folder and"
              + " below; may be repeated.")
  private List<Path> dumps = List.of();

  @Option(
      names = "--fix",
      description =
          "First write the files anew in the usual form, two blanks per level and a line for each"
              + " register, as those have it that come with vpasid. What they say stays.")
  private boolean fix;

  @Option(names = "--strict", description = "Take warnings for errors.")
  private boolean strict;

  @Option(
      names = "--format",
      paramLabel = "FORMAT",
      description =
          "text: a line for each finding, as compilers write it; json; github: annotations of"
              + " GitHub Actions; sarif: SARIF 2.1.0, for code scanning and editors; gitlab: a code"
              + " quality report. Default: text.")
  private FindingFormat format = FindingFormat.TEXT;

  @Option(names = "--json", description = "The same as --format json.")
  private boolean json;

  @Override
  public Integer call() {
    Json.checkFormat(json, format);
    PrintWriter out = spec.commandLine().getOut();
    PrintWriter err = spec.commandLine().getErr();
    PciNames names = PciNames.system();
    if (names.vendor(0x8086).isEmpty()) {
      err.println(
          "vpasid: note: there is no pci.ids here, so vendors and devices are not looked up");
    }
    paths.forEach(QuirksLintCommand::checkFolder);
    if (fix) {
      rewrite();
    }
    List<HostFunction> captures = captures(err);
    List<LintFinding> found =
        paths.isEmpty()
            ? installed(names, captures)
            : QuirkLint.ofFiles(paths, QuirkTable.COMMAND_LINE, others(), names, captures);
    Findings findings = new Findings(found.stream().map(Finding::of).map(this::strictly).toList());
    switch (json ? FindingFormat.JSON : format) {
      case JSON -> Json.print(out, findings.all());
      case TEXT -> {
        findings.all().forEach(out::println);
        out.println(findings.summary());
      }
      case GITHUB, SARIF, GITLAB -> findings.print(out, format);
    }
    return exitCode(findings, found.stream().anyMatch(f -> f.rule() == LintRule.UNREADABLE));
  }

  /// Refuses a folder without quirk files: no mistakes would be found in it, and most likely
  /// another one was meant.
  private static void checkFolder(Path path) {
    if (Files.isDirectory(path) && QuirkTable.files(path).isEmpty()) {
      List<LintFinding> skipped = QuirkLint.skipped(path, QuirkTable.COMMAND_LINE);
      throw new InputException(
          "%s: there is no quirk file; their names end in .json%s"
              .formatted(
                  path,
                  switch (skipped.size()) {
                    case 0 -> "";
                    case 1 -> ", and %s is not read".formatted(skipped.getFirst().file());
                    default ->
                        ", and %s and others are not read".formatted(skipped.getFirst().file());
                  }));
    }
  }

  /// Writes those files anew that can be read; what is wrong with others is found later.
  private void rewrite() {
    if (paths.isEmpty()) {
      throw new InputException("--fix needs the files to write anew");
    }
    for (Path path : paths) {
      for (Path file : QuirkTable.files(path)) {
        try {
          Files.writeString(file, QuirkFileText.of(file));
        } catch (JsonFileException _) {
          // Left as it is.
        } catch (IOException e) {
          throw InputException.unwritable(file, e);
        }
      }
    }
  }

  private Finding strictly(Finding finding) {
    return strict && finding.severity() == Severity.WARNING ? finding.as(Severity.ERROR) : finding;
  }

  private static int exitCode(Findings findings, boolean unreadable) {
    if (unreadable) {
      return ExitCode.USAGE;
    }
    return findings.count(Severity.ERROR) > 0 ? ExitCode.NO : ExitCode.DONE;
  }

  private static List<LintFinding> installed(PciNames names, List<HostFunction> captures) {
    QuirkTable table = QuirkTable.installed();
    List<LintFinding> findings = new ArrayList<>(QuirkLint.check(table, names));
    findings.addAll(QuirkLint.skipped(QuirkTable.SYSTEM_FOLDER, QuirkTable.SYSTEM));
    findings.addAll(QuirkLint.skipped(QuirkTable.ADMINISTRATOR_FOLDER, QuirkTable.ADMINISTRATOR));
    if (!captures.isEmpty()) {
      findings.addAll(QuirkLint.check(table, captures));
    }
    return findings;
  }

  /// The installed table, without a layer that is being looked at itself.
  private QuirkTable others() {
    QuirkTable table = QuirkTable.builtIn();
    if (isOutside(QuirkTable.SYSTEM_FOLDER)) {
      table = table.withIfPresent(QuirkTable.SYSTEM_FOLDER, QuirkTable.SYSTEM);
    }
    if (isOutside(QuirkTable.ADMINISTRATOR_FOLDER)) {
      table = table.withIfPresent(QuirkTable.ADMINISTRATOR_FOLDER, QuirkTable.ADMINISTRATOR);
    }
    return table;
  }

  private boolean isOutside(Path folder) {
    return paths.stream().noneMatch(p -> p.toAbsolutePath().normalize().startsWith(folder));
  }

  private List<HostFunction> captures(PrintWriter err) {
    List<HostFunction> captures = new ArrayList<>();
    DumpReader.forEach(dumps, err, captures::addAll);
    if (captures.isEmpty() && !dumps.isEmpty()) {
      throw new InputException(DumpReader.nothingIn(dumps));
    }
    return captures;
  }
}
