package io.vpasid.guest.cli.quirks;

import io.vpasid.guest.cli.option.SourceOptions;
import io.vpasid.guest.cli.option.SynthesisOptions;
import io.vpasid.guest.cli.terminal.ExitCode;
import io.vpasid.guest.cli.terminal.Terminal;
import io.vpasid.guest.config.FoundFunction;
import io.vpasid.guest.config.FoundFunctions;
import io.vpasid.guest.config.InputException;
import io.vpasid.guest.config.Unread;
import io.vpasid.guest.report.DeviceQuirks;
import io.vpasid.guest.report.Json;
import io.vpasid.guest.report.Page;
import io.vpasid.guest.report.QuirkExplanation;
import io.vpasid.pci.PciId;
import io.vpasid.pci.dump.PciNames;
import io.vpasid.synth.SynthesisRequest;
import io.vpasid.synth.quirk.QuirkTable;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/// Says which entries are about a function, and which decided what.
@Command(
    name = "explain",
    header = "Says which entries are about a function, and which decided what.",
    description = {
      "Says for each function which entries are about it, from the weakest to the strongest; what"
          + " they say, and which of them decided each value, over which others; which entries name"
          + " the device, or stand in --quirks, and yet are not about it, and why; and where the"
          + " vPASID then goes.",
      "Given ids instead of a function, as in 10de:2204, says which entries may be about it, and"
          + " under which conditions.",
      ""
    },
    mixinStandardHelpOptions = true,
    exitCodeListHeading = "%nExit codes:%n",
    exitCodeList = {
      "0:entries are about at least one function, or may be about a device",
      "1:no entry is about any of them",
      "2:bad usage, a dump or a quirk file that cannot be used",
      "3:a configuration space may not be read"
    },
    footerHeading = "%nExamples:%n",
    footer = {
      "  vpasid quirks explain 0000:3b:00.0",
      "  vpasid quirks explain 10de:2204",
      "  vpasid quirks explain machine.txt --function 3b:00.0 --quirks acme.json"
    })
final class QuirksExplainCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;
  @ParentCommand private Terminal.Owner top;

  @Parameters(
      paramLabel = "FUNCTION",
      arity = "0..*",
      description =
          "A dump (lspci -xxxx text, hex of any tool, raw bytes), a folder of dumps, an address of"
              + " this machine such as 0000:3b:00.0, or the ids of a device such as 10de:2204.")
  private List<String> sources = List.of();

  @Mixin private SourceOptions source;
  @Mixin private SynthesisOptions options;

  @Option(names = "--json", description = "Print an array with an object for each function.")
  private boolean json;

  @Override
  public Integer call() {
    List<PciId> ids = sources.stream().flatMap(s -> PciId.parse(s).stream()).toList();
    if (ids.isEmpty()) {
      return explainFunctions();
    }
    if (ids.size() < sources.size()) {
      throw new InputException("name ids or functions, not both: " + String.join(", ", sources));
    }
    return explainDevices(ids);
  }

  private int explainFunctions() {
    sources.forEach(QuirksExplainCommand::requireMoreThanAVendor);
    PrintWriter out = spec.commandLine().getOut();
    List<FoundFunction> functions = found();
    QuirkTable table = options.quirkTable();
    List<QuirkExplanation> explanations =
        functions.stream()
            .map(f -> {
              SynthesisRequest request = options.request(f.captured(), table, f.live());
              return QuirkExplanation.of(f.captured(), request);
            })
            .toList();
    if (json) {
      Json.print(out, explanations.stream().map(QuirkExplanation::json).toList());
    } else {
      explanations.forEach(e -> e.print(page(out)));
    }
    return code(explanations.stream().anyMatch(e -> !e.matching().isEmpty()));
  }

  private List<FoundFunction> found() {
    if (sources.stream().noneMatch(name -> Files.isDirectory(Path.of(name)))) {
      return source.functions(sources);
    }
    List<Unread> leftOut = new ArrayList<>();
    FoundFunctions found = source.findInFolders(sources, leftOut::add);
    found.incomplete().stream().map(Unread::of).forEach(leftOut::add);
    Unread.note(spec.commandLine().getErr(), leftOut, leftOut.size());
    return found.functions();
  }

  private static void requireMoreThanAVendor(String name) {
    if (name.matches("(?:0x)?[0-9a-fA-F]{4}") && !Files.exists(Path.of(name))) {
      String vendor = name.substring(name.length() - 4);
      throw new InputException(
          "%s: is a vendor; name a device, too, as in %s:2204, or see vpasid quirks list --device %s"
              .formatted(name, vendor, vendor));
    }
  }

  private int explainDevices(List<PciId> ids) {
    PrintWriter out = spec.commandLine().getOut();
    QuirkTable table = options.quirkTable();
    PciNames names = PciNames.system();
    List<DeviceQuirks> devices =
        ids.stream().map(id -> DeviceQuirks.of(id, names.device(id).orElse(""), table)).toList();
    if (json) {
      Json.print(out, devices.stream().map(DeviceQuirks::json).toList());
    } else {
      devices.forEach(d -> d.print(page(out)));
    }
    return code(devices.stream().anyMatch(d -> !d.entries().isEmpty()));
  }

  private Page page(PrintWriter out) {
    return new Page(out, top.terminal().columns());
  }

  private static int code(boolean any) {
    return any ? ExitCode.DONE : ExitCode.NO;
  }
}
