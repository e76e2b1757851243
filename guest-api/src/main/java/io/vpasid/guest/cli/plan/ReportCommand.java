package io.vpasid.guest.cli.plan;

import io.vpasid.guest.cli.option.SourceOptions;
import io.vpasid.guest.cli.option.SynthesisOptions;
import io.vpasid.guest.cli.terminal.ExitCode;
import io.vpasid.guest.cli.terminal.OutputFile;
import io.vpasid.guest.cli.terminal.Progress;
import io.vpasid.guest.cli.terminal.Terminal;
import io.vpasid.guest.config.FoundFunction;
import io.vpasid.guest.config.FoundFunctions;
import io.vpasid.guest.config.InputException;
import io.vpasid.guest.config.Unread;
import io.vpasid.guest.html.HtmlPage;
import io.vpasid.guest.report.Findings;
import io.vpasid.guest.report.HtmlReport;
import io.vpasid.guest.report.InspectReport;
import io.vpasid.guest.report.PartialReport;
import io.vpasid.guest.report.PlanReport;
import io.vpasid.guest.report.QemuDevice;
import io.vpasid.guest.report.QuirkExplanation;
import io.vpasid.guest.report.ReportedFunction;
import io.vpasid.pci.dump.HostFunction;
import io.vpasid.pci.dump.PciNames;
import io.vpasid.pci.dump.SysfsDevice;
import io.vpasid.synth.SynthesisRequest;
import io.vpasid.synth.SynthesisResult;
import io.vpasid.synth.Synthesizer;
import io.vpasid.synth.preflight.GuestPlace;
import io.vpasid.synth.quirk.QuirkTable;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/// Writes a page about functions.
@Command(
    name = "report",
    header = "Writes a page for a browser about many functions.",
    description = {
      "Writes one HTML file that needs no network: all functions in a table that can be sorted and"
          + " filtered, and each with its map, its capabilities, the registers that quirks know to"
          + " hide there, the place of the vPASID with all reasons and the places passed over, and"
          + " what a Linux guest checks.",
      "Nothing is bound and VFIO is not asked; plan does that for a function of this machine.",
      ""
    },
    mixinStandardHelpOptions = true,
    exitCodeListHeading = "%nExit codes:%n",
    exitCodeList = {
      "0:done",
      "2:bad usage or bad input",
      "3:not all functions may be read; those that may are in the page"
    },
    footerHeading = "%nExamples:%n",
    footer = {
      "  vpasid report dumps/ -o report.html",
      "  vpasid report 0000:3b:00.0 0000:6a:01.0 --hw-info width=20,priv -o report.html",
      "  sudo vpasid report -o report.html"
    })
public final class ReportCommand implements Callable<Integer> {
  /// Most functions of a page, which then has about 100 MB.
  private static final int MOST = 4096;

  @Spec private CommandSpec spec;
  @ParentCommand private Terminal.Owner top;

  @Parameters(
      paramLabel = "SOURCE",
      arity = "0..*",
      description =
          "A dump (lspci -xxxx text, hex of any tool, raw bytes), a folder of dumps, or an address of"
              + " this machine such as 0000:3b:00.0. Default: all functions of this machine.")
  private List<String> sources = List.of();

  @Option(
      names = {"-o", "--output"},
      paramLabel = "FILE",
      description =
          "The file to write. It replaces a page of vpasid, and nothing else. Default: the standard"
              + " output.")
  private Optional<Path> output = Optional.empty();

  @Mixin private SourceOptions source;
  @Mixin private SynthesisOptions options;
  @Mixin private PreflightOptions preflight;

  @Override
  public Integer call() {
    output.ifPresent(file -> OutputFile.checkReplaces(file, HtmlPage.START, "a page of vpasid"));
    PrintWriter err = spec.commandLine().getErr();
    List<Unread> unread = new ArrayList<>();
    List<SysfsDevice> hidden = new ArrayList<>();
    FoundFunctions found =
        sources.isEmpty()
            ? source.ofThisMachine(hidden::add)
            : source.findInFolders(sources, unread::add);
    hidden.forEach(device ->
        unread.add(new Unread(device.address() + ": this user may read 64 bytes of it", true)));
    Unread.note(err, unread, unread.size());
    int size = found.functions().size() + found.incomplete().size();
    if (size > MOST) {
      throw new InputException(
          "there are %d functions, and a page has %d at most: name fewer sources, or pick one with --function ADDRESS"
              .formatted(size, MOST));
    }
    options.checkOtherCaptures(found.functions());
    HtmlReport report = new HtmlReport();
    fill(report, found, err);
    unread.forEach(left -> report.leaveOut(left.reason()));
    List<String> notes = notes(found.functions());
    notes.forEach(note -> err.println("vpasid: note: " + note));
    write(report, notes);
    return unread.stream().anyMatch(Unread::lacksAccess) ? ExitCode.ENVIRONMENT : ExitCode.DONE;
  }

  private void fill(HtmlReport report, FoundFunctions found, PrintWriter err) {
    QuirkTable quirks = options.quirkTable();
    Optional<GuestPlace> place = preflight.place();
    PciNames names = PciNames.system();
    Progress progress =
        new Progress(
            err,
            top.terminal().errors() && output.isPresent(),
            "functions",
            found.functions().size());
    try {
      for (FoundFunction function : found.functions()) {
        report.add(reported(function, quirks, place, names));
        progress.at(report.size(), function.address().toString());
      }
    } finally {
      progress.end();
    }
    found.incomplete().forEach(function -> report.add(PartialReport.of(function)));
  }

  private ReportedFunction reported(
      FoundFunction found, QuirkTable quirks, Optional<GuestPlace> place, PciNames names) {
    HostFunction function = found.captured();
    SynthesisRequest request = options.request(function, quirks, found.live());
    SynthesisResult result = Synthesizer.synthesize(request);
    QemuDevice qemu = QemuDevice.of(function, request, result);
    return new ReportedFunction(
        InspectReport.of(function, request, names),
        PlanReport.of(function, request, result, qemu, preflight.of(request, result, place), names),
        QuirkExplanation.of(function, request),
        QemuPlacement.of(function, request).map(Clash::words));
  }

  private List<String> notes(List<FoundFunction> functions) {
    return functions.stream().allMatch(f -> f.live().isPresent())
        ? List.of()
        : options.assumption().stream().toList();
  }

  private void write(HtmlReport report, List<String> notes) {
    PrintWriter out = spec.commandLine().getOut();
    if (output.isPresent()) {
      OutputFile.write(output.get(), to -> report.write(to, notes));
      out.printf(
          "%s: %s, %d %s a vPASID%n",
          output.get(),
          Findings.counted(report.size(), "function"),
          report.placed(),
          report.placed() == 1 ? "gets" : "get");
    } else {
      try {
        report.write(out, notes);
      } catch (IOException e) {
        throw new InputException("the page cannot be written: " + e.getMessage(), e);
      }
    }
  }
}
