package io.vpasid.guest.cli.plan;

import com.fasterxml.jackson.annotation.JsonUnwrapped;
import io.vpasid.guest.cli.option.SourceOptions;
import io.vpasid.guest.cli.option.SynthesisOptions;
import io.vpasid.guest.cli.terminal.ExitCode;
import io.vpasid.guest.cli.terminal.Terminal;
import io.vpasid.guest.config.FoundFunction;
import io.vpasid.guest.config.InputException;
import io.vpasid.guest.report.FileHeadings;
import io.vpasid.guest.report.FunctionTitle;
import io.vpasid.guest.report.Json;
import io.vpasid.guest.report.LayoutComparison;
import io.vpasid.guest.report.Page;
import io.vpasid.guest.report.PlanList;
import io.vpasid.guest.report.PlanReport;
import io.vpasid.guest.report.QemuDevice;
import io.vpasid.pci.PciAddress;
import io.vpasid.pci.dump.HostFunction;
import io.vpasid.pci.dump.LspciText;
import io.vpasid.pci.dump.PciNames;
import io.vpasid.synth.SynthesisRequest;
import io.vpasid.synth.SynthesisResult;
import io.vpasid.synth.Synthesizer;
import io.vpasid.synth.preflight.GuestPlace;
import io.vpasid.synth.preflight.Preflight;
import io.vpasid.synth.quirk.QuirkTable;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/// Says whether and where a function gets a vPASID, and why there.
@Command(
    name = "plan",
    header = "Says whether, where and why there a function gets a vPASID.",
    description = {
      "Says for each function whether it gets a vPASID, at which offset, and why there: what the"
          + " guest will see. Of several functions it lists each in a line, and once what their guest"
          + " needs.",
      "",
      "A function of this machine that vfio-pci has, and nobody has open, is bound to iommufd for a"
          + " moment, which resets it: then the answers are those of VFIO and IOMMU_GET_HW_INFO."
          + " Others, and all with --no-vfio, are only read in sysfs.",
      ""
    },
    mixinStandardHelpOptions = true,
    addMethodSubcommands = false,
    footerHeading = "%nExamples:%n",
    exitCodeListHeading = "%nExit codes:%n",
    exitCodeList = {
      "0:at least one function gets a vPASID, and the layout is as expected",
      "1:none gets one, or the layout is another than expected",
      "2:bad usage or bad input",
      "3:the environment lacks something, such as the right to read a configuration space"
    },
    footer = {
      "  vpasid plan machine.txt --hw-info width=20,priv",
      "  vpasid plan 0000:3b:00.0 --format lspci > guest.txt && lspci -F guest.txt -vvv",
      "",
      "Starts no guest without its device where the answer is no:",
      "  vpasid plan 0000:3b:00.0 --format qemu > args && qemu-system-x86_64 \\",
      "      -device intel-iommu,scalable-mode=on,fsts=on,pasid-bits=20 `cat args` ...",
      "",
      "Before a guest moves, on the host where it is and on the one where it goes:",
      "  vpasid plan 0000:3b:00.0 --save layout.json",
      "  vpasid plan 0000:5e:00.0 --expect layout.json"
    })
public final class PlanCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;
  @ParentCommand private Terminal.Owner top;

  @Parameters(
      paramLabel = "SOURCE",
      arity = "0..*",
      description =
          "A dump (lspci -xxxx text, hex of any tool, raw bytes), or an address of this machine such as"
              + " 0000:3b:00.0.")
  private List<String> sources = List.of();

  @Mixin private SourceOptions source;
  @Mixin private SynthesisOptions options;
  @Mixin private PreflightOptions preflight;

  enum Format {
    TEXT,
    JSON,
    LSPCI,
    QEMU,
    LIBVIRT,
    LIBVIRT_COMMANDLINE;

    boolean isQemus() {
      return this == QEMU || this == LIBVIRT || this == LIBVIRT_COMMANDLINE;
    }

    @Override
    public String toString() {
      return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
  }

  @Option(
      names = "--format",
      paramLabel = "FORMAT",
      description =
          "text; json; lspci: the guest views of the functions that get a vPASID, as lspci -F reads"
              + " them; qemu: these functions as arguments of QEMU 11, for its vfio-pci; libvirt: as"
              + " hostdev elements of a domain; libvirt-commandline: as a qemu:commandline element."
              + " QEMU covers no live register, --allow-shadowing or not. Default: text.")
  private Format format = Format.TEXT;

  @Option(names = "--json", description = "The same as --format json.")
  private boolean json;

  @Option(
      names = "--details",
      description = "Say why there of each of several functions, as of a single one.")
  private boolean details;

  @Option(names = "--no-vfio", description = "Bind nothing; read addresses in sysfs alone.")
  private boolean withoutVfio;

  @Option(
      names = "--save",
      paramLabel = "FILE",
      description =
          "Write the layout that the guest sees, with a fingerprint, to this file. It replaces a"
              + " layout file, and nothing else.")
  private Optional<Path> save = Optional.empty();

  @Option(
      names = "--expect",
      paramLabel = "FILE",
      description =
          "Compare with the layout in this file, as --save wrote it; say what differs, and end with"
              + " exit code 1 if anything does.")
  private Optional<Path> expect = Optional.empty();

  /// A function, what was asked of it and what came of it.
  ///
  /// @param result what the format is about: QEMU's place is another than the engine's
  /// @param qemu what QEMU can do of it
  private record Planned(
      HostFunction function,
      SynthesisRequest request,
      SynthesisResult result,
      QemuDevice qemu,
      PlanReport report) {}

  @Override
  public Integer call() {
    Json.checkFormat(json, format);
    Format wanted = json ? Format.JSON : format;
    PrintWriter out = spec.commandLine().getOut();
    PrintWriter err = spec.commandLine().getErr();
    Optional<LayoutFile> expected = expect.map(LayoutFile::read);
    List<FoundFunction> functions = source.functions(sources, !withoutVfio);
    if (wanted.isQemus()) {
      options.noteUselessShadowing(err, "--format " + wanted);
    }
    options.checkOtherCaptures(functions);
    QuirkTable quirks = options.quirkTable();
    noteAssumptions(functions, err);
    Optional<GuestPlace> place = preflight.place();
    PciNames names = wanted == Format.TEXT ? PciNames.system() : PciNames.none();
    List<Planned> planned =
        functions.stream().map(f -> plan(f, quirks, place, wanted, names)).toList();
    List<PlanReport> reports = planned.stream().map(Planned::report).toList();
    if (wanted.isQemus() || save.isPresent() || expected.isPresent()) {
      requireDifferentAddresses(functions);
    }
    save.ifPresent(file -> LayoutFile.write(file, reports));
    List<LayoutComparison> comparisons = expected.map(e -> e.compare(reports)).orElse(List.of());
    Page page = new Page(out, top.terminal().columns());
    switch (wanted) {
      case TEXT -> {
        if (reports.size() > 1 && !details && !preflight.all()) {
          PlanList.print(page, reports);
        } else {
          FunctionTitle.hint(functions.stream().map(FoundFunction::captured), names)
              .ifPresent(hint -> err.println("vpasid: note: " + hint));
          FileHeadings headings = new FileHeadings(page, reports.stream().map(PlanReport::origin));
          for (PlanReport report : reports) {
            headings.before(report.origin());
            report.print(page, preflight.all());
          }
        }
      }
      case JSON -> Json.print(out, json(reports, comparisons));
      case LSPCI -> printGuestViews(out, err, planned);
      case QEMU, LIBVIRT, LIBVIRT_COMMANDLINE -> printForQemu(out, err, planned, wanted);
    }
    if (wanted != Format.JSON) {
      Page to = wanted == Format.TEXT ? page : new Page(err, Page.ENDLESS);
      expected.ifPresent(e -> comparisons.forEach(c -> c.print(to, e.name())));
    }
    return reports.stream().anyMatch(PlanReport::isPlaced)
            && comparisons.stream().allMatch(LayoutComparison::equal)
        ? ExitCode.DONE
        : ExitCode.NO;
  }

  private Planned plan(
      FoundFunction found,
      QuirkTable quirks,
      Optional<GuestPlace> place,
      Format wanted,
      PciNames names) {
    HostFunction function = found.captured();
    SynthesisRequest request = options.request(function, quirks, found.live());
    SynthesisResult engines = Synthesizer.synthesize(request);
    QemuDevice qemu = QemuDevice.of(function, request, engines);
    SynthesisResult result = wanted.isQemus() ? qemu.result() : engines;
    Preflight checks =
        wanted.isQemus()
            ? preflight.inQemu(request, result, place)
            : preflight.of(request, result, place);
    return new Planned(
        function,
        request,
        result,
        qemu,
        PlanReport.of(function, request, result, qemu, checks, names));
  }

  /// A host has one function at an address.
  private static void requireDifferentAddresses(List<FoundFunction> functions) {
    Map<PciAddress, HostFunction> seen = new HashMap<>();
    for (FoundFunction found : functions) {
      HostFunction function = found.captured();
      HostFunction first = seen.putIfAbsent(function.address(), function);
      if (first != null) {
        throw new InputException(
            "%s is in %s and in %s: a host has one function at an address, so plan one file at a time"
                .formatted(function.address(), first.location(), function.location()));
      }
    }
  }

  private void noteAssumptions(List<FoundFunction> functions, PrintWriter err) {
    if (functions.stream().anyMatch(f -> f.live().isEmpty())) {
      options.noteAssumptions(err);
    }
    functions.forEach(f -> f.live().ifPresent(live -> options.noteAssumptions(err, live)));
  }

  /// A plan with its comparison.
  private record Compared(@JsonUnwrapped PlanReport plan, LayoutComparison layout) {}

  /// A layout of a function that is not in the plan.
  private record Missing(LayoutComparison layout) {}

  /// @param comparisons those with an expected layout; those of functions that are not in the plan
  ///   come last
  private static List<Record> json(List<PlanReport> reports, List<LayoutComparison> comparisons) {
    List<Record> all = new ArrayList<>();
    for (int i = 0; i < reports.size(); i++) {
      PlanReport report = reports.get(i);
      all.add(comparisons.isEmpty() ? report : new Compared(report, comparisons.get(i)));
    }
    comparisons.stream().skip(reports.size()).map(Missing::new).forEach(all::add);
    return all;
  }

  /// The reasons go to the error stream, so that a shell can paste arguments into a command line,
  /// or are comments of XML.
  private static void printForQemu(
      PrintWriter out, PrintWriter err, List<Planned> planned, Format wanted) {
    List<LibvirtText.Function> placed = new ArrayList<>();
    for (Planned plan : planned) {
      List<String> notes = new ArrayList<>(plan.qemu.lines());
      boolean isPlaced = plan.qemu.offset().isPresent();
      if (isPlaced) {
        plan.report.obstacles().forEach(o -> notes.add(plan.function.address() + " " + o));
        placed.add(new LibvirtText.Function(plan.qemu, notes));
      }
      if (!isPlaced || wanted == Format.QEMU) {
        notes.forEach(note -> err.println("vpasid: note: " + note));
      }
    }
    if (placed.isEmpty()) {
      return;
    }
    int bits = QemuDevice.pasidBits(placed.stream().map(LibvirtText.Function::device).toList());
    switch (wanted) {
      case LIBVIRT -> LibvirtText.writeHostdevs(placed, bits, out);
      case LIBVIRT_COMMANDLINE -> LibvirtText.writeCommandLine(placed, QemuDevice.iommu(bits), out);
      default -> {
        err.println(
            "vpasid: note: QEMU shows the capability only behind an IOMMU with PASIDs, which has to"
                + " stand before these arguments: -device "
                + QemuDevice.iommu(bits));
        out.println("-object " + QemuDevice.object());
        placed.forEach(f -> out.println("-device " + f.device().argument()));
      }
    }
  }

  private static void printGuestViews(PrintWriter out, PrintWriter err, List<Planned> planned) {
    List<HostFunction> views = new ArrayList<>();
    for (Planned plan : planned) {
      err.println("vpasid: note: " + plan.report.summary());
      if (plan.report.isPlaced()) {
        views.add(
            new HostFunction(
                plan.function.address(),
                plan.function.description(),
                plan.result.guestView(plan.request)));
      }
    }
    LspciText.write(views, out);
  }
}
