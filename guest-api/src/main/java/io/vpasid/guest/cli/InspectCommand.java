package io.vpasid.guest.cli;

import io.vpasid.pci.PciAddress;
import io.vpasid.pci.capability.Anomaly;
import io.vpasid.pci.capability.Capability;
import io.vpasid.pci.capability.CapabilityChain;
import io.vpasid.pci.capability.CapabilityId;
import io.vpasid.pci.dump.HostFunction;
import io.vpasid.pci.dump.SysfsDevice;
import io.vpasid.pci.occupancy.OccupancyMap;
import io.vpasid.pci.occupancy.Segment;
import io.vpasid.pci.occupancy.Use;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/// Shows what is where in a function's configuration space.
@Command(
    name = "inspect",
    header = "Shows what is where in a configuration space.",
    description = {
      "Shows what is where in a function's configuration space: capabilities with their extents,"
          + " gaps, live bytes in the gaps, and whatever is odd.",
      "Of several functions it lists each in a line.",
      ""
    },
    mixinStandardHelpOptions = true)
final class InspectCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Parameters(
      paramLabel = "SOURCE",
      arity = "0..*",
      description =
          "A dump (lspci -xxxx text, raw or hex bytes), or an address of this machine such as"
              + " 0000:3b:00.0. Default: all functions of this machine.")
  private List<String> sources = List.of();

  @Mixin private FunctionSource source;

  @Option(
      names = "--all",
      description = "Show every function in full, also when there are several.")
  private boolean all;

  @Option(names = "--json", description = "Print JSON.")
  private boolean json;

  @Override
  public Integer call() {
    List<HostFunction> functions = source.functions(sources.isEmpty() ? ofThisMachine() : sources);
    PrintWriter out = spec.commandLine().getOut();
    if (json) {
      Json.print(out, functions.stream().map(InspectCommand::toJson).toList());
    } else if (functions.size() > 1 && !all) {
      list(out, functions);
    } else {
      functions.forEach(f -> show(out, f));
    }
    return ExitCode.DONE;
  }

  private static List<String> ofThisMachine() {
    return SysfsDevice.list().stream().map(PciAddress::toString).toList();
  }

  private static void list(PrintWriter out, List<HostFunction> functions) {
    out.printf(
        "%-13s %-9s %5s %5s %5s %-7s %5s  %s%n",
        "function", "id", "bytes", "caps", "ext", "pasid", "free", "");
    for (HostFunction function : functions) {
      CapabilityChain chain = CapabilityChain.walk(function.config());
      OccupancyMap map = OccupancyMap.of(function.config(), chain);
      out.printf(
          "%-13s %-9s %5d %5d %5d %-7s %5d  %s%n",
          function.address(),
          function.id(),
          function.config().size(),
          chain.standard().size(),
          chain.extended().size(),
          chain
              .find(CapabilityId.PASID)
              .map(c -> String.format(Locale.ROOT, "0x%03x", c.offset()))
              .orElse("-"),
          map.free().stream().mapToInt(r -> r.length()).sum(),
          function.description());
      chain.anomalies().forEach(a -> out.printf("%-13s   odd %s%n", "", a));
    }
    out.printf("%d functions; --function ADDRESS or --all shows what is where%n", functions.size());
  }

  private static void show(PrintWriter out, HostFunction function) {
    CapabilityChain chain = CapabilityChain.walk(function.config());
    OccupancyMap map = OccupancyMap.of(function.config(), chain);
    out.printf(
        "%s %s %s%n%d bytes, header type %d, %d standard and %d extended capabilities%n",
        function.address(),
        function.id(),
        function.description(),
        function.config().size(),
        function.config().headerLayout(),
        chain.standard().size(),
        chain.extended().size());
    for (Segment segment : map.segments()) {
      out.printf(
          "  %s %5d bytes  %s%n", segment.range(), segment.range().length(), describe(segment));
    }
    for (Anomaly anomaly : chain.anomalies()) {
      out.printf("  odd %s%n", anomaly);
    }
    out.println();
  }

  private static String describe(Segment segment) {
    return switch (segment.use()) {
      case FREE -> ".";
      case HEADER -> "header";
      case CAPABILITY -> segment.owner();
      case CAPABILITY_OF_UNKNOWN_LENGTH -> segment.owner() + ", at least";
      case HIDDEN_CAPABILITY -> segment.owner() + ", hidden";
      case QUIRK -> segment.owner();
      case MIRRORED -> "mirror of lower bytes";
      case NON_ZERO -> "not zero, in no capability";
    };
  }

  private static Map<String, Object> toJson(HostFunction function) {
    CapabilityChain chain = CapabilityChain.walk(function.config());
    OccupancyMap map = OccupancyMap.of(function.config(), chain);
    Map<String, Object> document = Json.object();
    document.put("function", function.address().toString());
    document.put("id", function.id().toString());
    document.put("description", function.description());
    document.put("bytes", function.config().size());
    document.put("headerType", function.config().headerLayout());
    document.put("capabilities", chain.standard().stream().map(InspectCommand::toJson).toList());
    document.put(
        "extendedCapabilities", chain.extended().stream().map(InspectCommand::toJson).toList());
    List<Map<String, Object>> gaps = new ArrayList<>();
    for (Segment segment : map.segments()) {
      if (!segment.use().isListed()) {
        Map<String, Object> gap = Json.range(segment.range());
        gap.put("free", segment.use() == Use.FREE);
        gaps.add(gap);
      }
    }
    document.put("gaps", gaps);
    document.put(
        "anomalies",
        chain.anomalies().stream()
            .map(a -> {
              Map<String, Object> anomaly = Json.object();
              anomaly.put("kind", a.kind().name().toLowerCase(Locale.ROOT));
              anomaly.put("offset", Json.hex(a.offset()));
              anomaly.put("text", a.toString());
              return anomaly;
            })
            .toList());
    return document;
  }

  private static Map<String, Object> toJson(Capability capability) {
    Map<String, Object> json = Json.object();
    json.put("id", Json.hex(capability.id().value()));
    json.put("name", capability.id().title());
    json.put("version", capability.version());
    json.putAll(Json.range(capability.extent().range()));
    json.put("lengthIsLowerBound", capability.extent().isLowerBound());
    json.put("next", Json.hex(capability.next()));
    return json;
  }
}
