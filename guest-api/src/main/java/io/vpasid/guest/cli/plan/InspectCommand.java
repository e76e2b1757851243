package io.vpasid.guest.cli.plan;

import io.vpasid.guest.cli.option.SourceOptions;
import io.vpasid.guest.cli.option.SynthesisOptions;
import io.vpasid.guest.cli.terminal.ColourOption;
import io.vpasid.guest.cli.terminal.ExitCode;
import io.vpasid.guest.cli.terminal.Terminal;
import io.vpasid.guest.config.FoundFunction;
import io.vpasid.guest.config.FoundFunctions;
import io.vpasid.guest.config.InputException;
import io.vpasid.guest.report.FileHeadings;
import io.vpasid.guest.report.FunctionTitle;
import io.vpasid.guest.report.Hex;
import io.vpasid.guest.report.InspectReport;
import io.vpasid.guest.report.Json;
import io.vpasid.guest.report.OccupancyPicture;
import io.vpasid.guest.report.Page;
import io.vpasid.guest.report.PartialReport;
import io.vpasid.guest.report.SpaceReport;
import io.vpasid.pci.PciId;
import io.vpasid.pci.dump.HostFunction;
import io.vpasid.pci.dump.PciNames;
import io.vpasid.pci.dump.SysfsDevice;
import io.vpasid.synth.quirk.QuirkTable;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/// Shows what is where in a function's configuration space.
@Command(
    name = "inspect",
    header = "Shows what is where in a configuration space.",
    description = {
      "Shows what is where in a function's configuration space: a map of its bytes, the"
          + " capabilities with their extents, the gaps and live bytes in them, registers that"
          + " quirks know to hide there, the place for a vPASID, and whatever is odd.",
      "Of several functions it lists each in a line. Of a dump that has not all rows of a function it"
          + " shows those that it has; the others are marked as not in the dump.",
      ""
    },
    mixinStandardHelpOptions = true,
    addMethodSubcommands = false,
    exitCodeListHeading = "%nExit codes:%n",
    exitCodeList = {
      "0:done",
      "2:bad usage or bad input",
      "3:not all functions may be read; those that may are shown"
    },
    footerHeading = "%nExamples:%n",
    footer = {
      "  vpasid inspect machine.txt --function 0000:6a:01.0",
      "  vpasid inspect 0000:3b:00.0 --format svg > map.svg"
    })
public final class InspectCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;
  @ParentCommand private Terminal.Owner top;

  @Parameters(
      paramLabel = "SOURCE",
      arity = "0..*",
      description =
          "A dump (lspci -xxxx text, hex of any tool, raw bytes), or an address of this machine such as"
              + " 0000:3b:00.0. Default: all functions of this machine.")
  private List<String> sources = List.of();

  @Mixin private SourceOptions source;
  @Mixin private SynthesisOptions options;
  @Mixin private ColourOption colour;

  enum Format {
    TEXT,
    JSON,
    SVG
  }

  @Option(
      names = "--format",
      paramLabel = "FORMAT",
      description = "text; json; svg: the map of one function as a picture. Default: text.")
  private Format format = Format.TEXT;

  @Option(
      names = "--width",
      paramLabel = "BYTES",
      description =
          "Bytes in a row of the map: 16, 32, 64, 128 or 256. Default: as many as leave room for"
              + " names, 16 where no terminal is.")
  private Optional<Integer> width = Optional.empty();

  @Option(
      names = "--all",
      description = "Show every function in full, also when there are several.")
  private boolean all;

  @Option(names = "--json", description = "The same as --format json.")
  private boolean json;

  @Override
  public Integer call() {
    Json.checkFormat(json, format);
    int row = width.orElse(0);
    if (width.isPresent() && !OccupancyPicture.isRow(row)) {
      throw new ParameterException(
          spec.commandLine(), "--width " + row + ": a row has 16, 32, 64, 128 or 256 bytes");
    }
    List<SysfsDevice> hidden = new ArrayList<>();
    FoundFunctions found =
        sources.isEmpty() ? source.ofThisMachine(hidden::add) : source.find(sources, false);
    List<FoundFunction> functions = found.functions();
    options.checkOtherCaptures(functions);
    QuirkTable quirks = options.quirkTable();
    PciNames names = PciNames.system();
    List<SpaceReport> reports = new ArrayList<>();
    for (FoundFunction function : functions) {
      HostFunction captured = function.captured();
      reports.add(InspectReport.of(captured, options.request(captured, quirks), names));
    }
    found.incomplete().forEach(function -> reports.add(PartialReport.of(function)));
    PrintWriter out = spec.commandLine().getOut();
    switch (json ? Format.JSON : format) {
      case JSON -> Json.print(out, reports);
      case SVG -> out.print(only(found, reports).svg());
      case TEXT -> {
        FunctionTitle.hint(functions.stream().map(FoundFunction::captured), names)
            .ifPresent(hint -> spec.commandLine().getErr().println("vpasid: note: " + hint));
        Page page = new Page(out, top.terminal().columns());
        if (reports.size() + hidden.size() > 1 && !all) {
          list(page, reports, hidden, names);
        } else {
          boolean coloured = colour.isOn(top.terminal());
          FileHeadings headings = headings(page, reports);
          for (SpaceReport report : reports) {
            headings.before(report.origin());
            report.print(page, row, coloured);
          }
        }
      }
    }
    if (hidden.isEmpty()) {
      return ExitCode.DONE;
    }
    spec.commandLine()
        .getErr()
        .println(
            "vpasid: note: of %s this user may read 64 bytes; root sees their capabilities too: sudo vpasid inspect"
                .formatted(hidden.size() == 1 ? "1 function" : hidden.size() + " functions"));
    return ExitCode.ENVIRONMENT;
  }

  private static OccupancyPicture only(FoundFunctions found, List<SpaceReport> reports) {
    if (reports.size() != 1) {
      throw new InputException(
          "a picture is of one function, and there are %s: pick one with --function"
              .formatted(found.addresses()));
    }
    return reports.getFirst().picture();
  }

  private static FileHeadings headings(Page page, List<SpaceReport> reports) {
    return new FileHeadings(page, reports.stream().map(SpaceReport::origin));
  }

  private static void list(
      Page page, List<SpaceReport> reports, List<SysfsDevice> hidden, PciNames names) {
    page.out()
        .printf(
            "%-13s %-9s %5s %5s %5s %-7s %5s%n",
            "function", "id", "bytes", "caps", "ext", "pasid", "free");
    FileHeadings headings = headings(page, reports);
    for (SpaceReport report : reports) {
      headings.before(report.origin());
      if (report instanceof InspectReport whole) {
        row(page, whole);
      } else if (report instanceof PartialReport part) {
        row(page, part);
      }
    }
    for (SysfsDevice device : hidden) {
      PciId id = device.id().orElse(new PciId(0xffff, 0xffff));
      page.row(
          String.format(
              Locale.ROOT,
              "%-13s %-9s %5d %5s %5s %-7s %5s  ",
              device.address(),
              id,
              64,
              "?",
              "?",
              "?",
              "?"),
          names.device(id).or(() -> names.vendor(id.vendor())).orElse("")
              + device.driver().map(driver -> " (" + driver + ")").orElse(""));
    }
    page.line(
        (reports.size() + hidden.size())
            + " functions; --function ADDRESS or --all shows what is where");
  }

  private static void row(Page page, InspectReport report) {
    page.row(
        String.format(
            Locale.ROOT,
            "%-13s %-9s %5d %5d %5d %-7s %5d  ",
            report.function(),
            report.id(),
            report.bytes(),
            report.capabilities().size(),
            report.extendedCapabilities().size(),
            report.pasid().map(Hex::toString).orElse("-"),
            report.free()),
        report.name());
    report.odd().forEach(text -> page.item(" ".repeat(14) + "odd: ", text));
  }

  private static void row(Page page, PartialReport report) {
    page.item(
        String.format(Locale.ROOT, "%-13s %-9s ", report.function(), report.id()),
        "%5d of %d bytes are in the dump  %s"
            .formatted(report.bytesInDump(), report.bytes(), report.description()));
  }
}
