package io.vpasid.guest.cli.quirks;

import io.vpasid.guest.cli.option.QuirkOptions;
import io.vpasid.guest.cli.terminal.ExitCode;
import io.vpasid.guest.cli.terminal.Terminal;
import io.vpasid.guest.report.Json;
import io.vpasid.guest.report.Page;
import io.vpasid.guest.report.QuirkReport;
import io.vpasid.pci.PciId;
import io.vpasid.synth.json.Spelling;
import io.vpasid.synth.quirk.Quirk;
import io.vpasid.synth.quirk.QuirkMatch;
import io.vpasid.synth.quirk.QuirkTable;
import java.io.PrintWriter;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;

/// Lists the quirks of all layers.
@Command(
    name = "list",
    header = "Lists the entries of all layers.",
    description = {
      "Lists the entries of all layers, a line for each; those that are named in full.",
      ""
    },
    mixinStandardHelpOptions = true,
    exitCodeListHeading = "%nExit codes:%n",
    exitCodeList = {
      "0:there are such entries",
      "1:there is none",
      "2:bad usage, or a quirk file that cannot be used"
    },
    footerHeading = "%nExamples:%n",
    footer = {
      "  vpasid quirks list --device 10de:2204",
      "  vpasid quirks list nvidia-ga10x",
      "  vpasid quirks list --quirks acme.json --json | jq -r '.[].id'"
    })
final class QuirksListCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;
  @ParentCommand private Terminal.Owner top;

  @Parameters(
      paramLabel = "ID",
      arity = "0..*",
      description = "Show only the entries with these ids, and all of what they say.")
  private List<String> ids = List.of();

  @Mixin private QuirkOptions options;

  @Option(
      names = "--device",
      paramLabel = "VENDOR[:DEVICE]",
      converter = DeviceConverter.class,
      description =
          "Only entries about this vendor or device, as in 10de or 10de:2204; also those about a"
              + " class of all vendors.")
  private Optional<Wanted> device = Optional.empty();

  @Option(names = "--long", description = "Show all of what each entry says.")
  private boolean all;

  @Option(names = "--json", description = "Print an array with an object for each entry.")
  private boolean json;

  @Override
  public Integer call() {
    PrintWriter out = spec.commandLine().getOut();
    QuirkTable table = options.table();
    List<String> known = table.entries().stream().map(Quirk::id).toList();
    Optional<String> unknown = ids.stream().filter(id -> !known.contains(id)).findFirst();
    if (unknown.isPresent()) {
      sayUnknown(unknown.get(), known);
      return ExitCode.NO;
    }
    List<Quirk> quirks =
        table.entries().stream()
            .filter(q -> ids.isEmpty() || ids.contains(q.id()))
            .filter(q -> device.isEmpty() || q.matches().stream().anyMatch(device.get()::isMeant))
            .sorted(Comparator.comparing(q -> device.isPresent() && isOfAnyVendor(q)))
            .toList();
    List<QuirkReport> reports = quirks.stream().map(QuirkReport::new).toList();
    if (json) {
      Json.print(out, reports.stream().map(QuirkReport::json).toList());
    } else {
      Page page = new Page(out, top.terminal().columns());
      if (all || !ids.isEmpty()) {
        reports.forEach(r -> r.print(page));
      } else {
        reports.forEach(r -> r.printRow(page));
        count(page, table, quirks.size());
      }
    }
    return quirks.isEmpty() ? ExitCode.NO : ExitCode.DONE;
  }

  /// Then it comes behind those that name the vendor that is asked for.
  private static boolean isOfAnyVendor(Quirk quirk) {
    return quirk.matches().stream().allMatch(m -> m.vendor() == QuirkMatch.ANY);
  }

  private void sayUnknown(String id, List<String> known) {
    String near = Spelling.nearest(id, known).map(n -> "did you mean " + n + "? ").orElse("");
    spec.commandLine()
        .getErr()
        .println(
            "vpasid: no entry has the id " + id + "; " + near + "vpasid quirks list shows all");
  }

  private static void count(Page page, QuirkTable table, int listed) {
    page.line(
        "%d %s; vpasid quirks list ID shows all of one"
            .formatted(listed, listed == 1 ? "entry" : "entries"));
    for (QuirkTable.Replacement replacement : table.replacements()) {
      page.line(
          "%s is replaced by that of %s"
              .formatted(replacement.quirk().source(), new QuirkReport(replacement.by()).place()));
    }
  }

  /// A vendor, or one of its devices.
  ///
  /// @param device Device ID, or [QuirkMatch#ANY]
  record Wanted(int vendor, int device) {
    boolean isMeant(QuirkMatch match) {
      return match.vendor() == QuirkMatch.ANY
          || (match.vendor() == vendor
              && (device == QuirkMatch.ANY
                  || match.devices().isEmpty()
                  || match.devices().stream().anyMatch(d -> d.contains(device))));
    }
  }

  static final class DeviceConverter implements ITypeConverter<Wanted> {
    @Override
    public Wanted convert(String text) {
      if (text.matches("[0-9a-fA-F]{4}")) {
        return new Wanted(Integer.parseInt(text, 16), QuirkMatch.ANY);
      }
      PciId id =
          PciId.parse(text)
              .orElseThrow(() ->
                  new TypeConversionException(
                      "'" + text + "' is no vendor or device, as in 10de or 10de:2204"));
      return new Wanted(id.vendor(), id.device());
    }
  }
}
