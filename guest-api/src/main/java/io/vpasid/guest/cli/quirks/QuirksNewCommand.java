package io.vpasid.guest.cli.quirks;

import io.vpasid.guest.cli.option.SourceOptions;
import io.vpasid.guest.cli.terminal.ExitCode;
import io.vpasid.guest.config.AddressText;
import io.vpasid.guest.config.DumpReader;
import io.vpasid.guest.config.FoundFunction;
import io.vpasid.guest.config.InputException;
import io.vpasid.guest.report.Findings;
import io.vpasid.guest.report.Json;
import io.vpasid.guest.report.QuirkReport;
import io.vpasid.pci.ConfigSpace;
import io.vpasid.pci.PciId;
import io.vpasid.pci.dump.HostFunction;
import io.vpasid.pci.dump.PciNames;
import io.vpasid.synth.quirk.FunctionIdentity;
import io.vpasid.synth.quirk.Quirk;
import io.vpasid.synth.quirk.QuirkDraft;
import io.vpasid.synth.quirk.QuirkFileText;
import io.vpasid.synth.quirk.QuirkTable;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;

/// Drafts quirks from dumps.
@Command(
    name = "new",
    header = "Drafts entries from dumps.",
    description = {
      "Writes a quirk file with an entry for each device in the dumps that has bytes outside every"
          + " capability that are not 0, and that no built-in or installed entry names. Those that"
          + " are near each other are one proposal, which says how many of them are not 0, and"
          + " whether they differ. It is a draft: name the registers, add those that read as 0, and"
          + " say where you know it from.",
      "More dumps of the same device, from other machines and other power states, make a better"
          + " one.",
      ""
    },
    mixinStandardHelpOptions = true,
    exitCodeListHeading = "%nExit codes:%n",
    exitCodeList = {
      "0:there is a draft",
      "1:nothing is to be said of any device",
      "2:bad usage or a bad dump",
      "3:a configuration space may not be read"
    },
    footerHeading = "%nExamples:%n",
    footer = {
      "  sudo lspci -xxxx -s 3b:00.0 > dump.txt",
      "  vpasid quirks new dump.txt > acme.json",
      "  vpasid quirks new dumps/ --device 1234:0015 --output acme.json"
    })
final class QuirksNewCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Parameters(
      paramLabel = "DUMP",
      arity = "0..*",
      description =
          "A dump (lspci -xxxx text, hex of any tool, raw bytes), a folder of dumps, or an address of"
              + " this machine such as 0000:3b:00.0.")
  private List<String> sources = List.of();

  @Mixin private SourceOptions source;

  @Option(
      names = "--device",
      paramLabel = "VENDOR:DEVICE",
      converter = DeviceConverter.class,
      description = "Draft only the entry for this device, as in 10de:2204.")
  private Optional<PciId> device = Optional.empty();

  @Option(
      names = "--join",
      paramLabel = "BYTES",
      description =
          "Take registers with no more than so many bytes between them for one block. 0: only"
              + " adjacent ones. Default: ${DEFAULT-VALUE}.")
  private int join = QuirkDraft.USUAL_JOIN;

  @Option(
      names = {"-o", "--output"},
      paramLabel = "FILE",
      description = "Write the file here, which must not be there yet. Default: standard output.")
  private Optional<Path> output = Optional.empty();

  @Option(
      names = "--schema",
      paramLabel = "ADDRESS",
      description = "Where editors find the JSON Schema; it goes into the file as $schema.")
  private String schema = "";

  @Option(
      names = "--json",
      description = "Print the entries as quirks list --json does, not as a quirk file.")
  private boolean json;

  @Override
  public Integer call() {
    PrintWriter err = spec.commandLine().getErr();
    if (join < 0) {
      throw new InputException("--join takes a number of bytes from 0 on, not " + join);
    }
    List<HostFunction> all = captures(err);
    List<HostFunction> captures =
        all.stream().filter(f -> device.isEmpty() || f.id().equals(device.get())).toList();
    if (captures.isEmpty()) {
      throw new InputException(
          "%s: has no device %s, but %s"
              .formatted(
                  String.join(", ", sources),
                  device.orElseThrow(),
                  AddressText.list(all.stream().map(HostFunction::id).distinct().toList())));
    }
    noteShortOnes(captures, err);
    QuirkTable known = QuirkTable.installed();
    noteKnown(captures, known, err);
    List<Quirk> quirks = QuirkDraft.of(captures, known, join, PciNames.system());
    if (quirks.isEmpty()) {
      err.println(
          "vpasid: nothing to draft: outside header, capabilities and what is known every byte is"
              + " 0");
      return ExitCode.NO;
    }
    String text = QuirkFileText.of(schema, quirks);
    output.ifPresent(file -> write(text, file));
    PrintWriter out = spec.commandLine().getOut();
    if (json) {
      Json.print(out, quirks.stream().map(q -> new QuirkReport(q).json()).toList());
    } else if (output.isEmpty()) {
      out.print(text);
    }
    note(quirks, err);
    return ExitCode.DONE;
  }

  private static void noteShortOnes(List<HostFunction> captures, PrintWriter err) {
    long shortOnes = captures.stream().filter(c -> !c.config().isExtended()).count();
    if (shortOnes > 0) {
      err.println(
          "vpasid: note: only %d bytes of %d of %s are there; lspci -xxxx as root captures all"
              .formatted(
                  ConfigSpace.STANDARD_SIZE,
                  shortOnes,
                  Findings.counted(captures.size(), "function")));
    }
  }

  private static void write(String text, Path file) {
    try {
      Files.writeString(file, text, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
    } catch (FileAlreadyExistsException _) {
      throw new InputException(file + ": is there already; name another file, or remove it first");
    } catch (IOException e) {
      throw InputException.unwritable(file, e);
    }
  }

  /// The functions of files, of folders and of this machine.
  private List<HostFunction> captures(PrintWriter err) {
    List<Path> folders = sources.stream().map(Path::of).filter(Files::isDirectory).toList();
    if (folders.isEmpty()) {
      return source.functions(sources).stream().map(FoundFunction::captured).toList();
    }
    if (spec.commandLine().getParseResult().hasMatchedOption("--function")) {
      throw new InputException(
          "--function picks a function of a file, and %s is a folder; use --device"
              .formatted(folders.getFirst()));
    }
    List<HostFunction> captures = new ArrayList<>();
    DumpReader.forEach(folders, err, captures::addAll);
    if (captures.isEmpty()) {
      throw new InputException(DumpReader.nothingIn(folders));
    }
    List<String> others = sources.stream().filter(s -> !Files.isDirectory(Path.of(s))).toList();
    if (!others.isEmpty()) {
      source.functions(others).forEach(f -> captures.add(f.captured()));
    }
    return captures;
  }

  private static void note(List<Quirk> quirks, PrintWriter err) {
    for (Quirk quirk : quirks) {
      err.println(
          "vpasid: note: %s, %s: %s; name them, and add those that read as 0"
              .formatted(
                  quirk.id(),
                  quirk.name(),
                  Findings.counted(quirk.effects().hiddenBits().size(), "proposal")));
    }
  }

  private static void noteKnown(List<HostFunction> captures, QuirkTable known, PrintWriter err) {
    captures.stream()
        .flatMap(f -> known.matching(FunctionIdentity.of(f)).stream())
        .filter(quirk -> !quirk.effects().hiddenBits().isEmpty())
        .map(Quirk::id)
        .distinct()
        .forEach(id ->
            err.println(
                "vpasid: note: what %s says is left out; vpasid quirks list %s shows it"
                    .formatted(id, id)));
  }

  static final class DeviceConverter implements ITypeConverter<PciId> {
    @Override
    public PciId convert(String text) {
      return PciId.parse(text)
          .orElseThrow(
              () -> new TypeConversionException("'" + text + "' is no device, as in 10de:2204"));
    }
  }
}
