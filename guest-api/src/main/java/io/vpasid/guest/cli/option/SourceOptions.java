package io.vpasid.guest.cli.option;

import io.vpasid.guest.config.AddressText;
import io.vpasid.guest.config.DumpFolders;
import io.vpasid.guest.config.FoundFunction;
import io.vpasid.guest.config.FoundFunctions;
import io.vpasid.guest.config.FunctionSource;
import io.vpasid.guest.config.InputException;
import io.vpasid.guest.config.Unread;
import io.vpasid.pci.PciAddress;
import io.vpasid.pci.dump.DumpAccessException;
import io.vpasid.pci.dump.DumpException;
import io.vpasid.pci.dump.DumpForm;
import io.vpasid.pci.dump.IncompleteFunction;
import io.vpasid.pci.dump.SysfsDevice;
import io.vpasid.synth.json.JsonFileException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/// Which functions a command works on, and `--function`, which picks one of them.
public final class SourceOptions {
  @Option(
      names = "--function",
      paramLabel = "ADDRESS",
      description = "Work only on the function at this address of the file, as in 0000:6a:01.0.")
  private Optional<String> picked = Optional.empty();

  @Option(
      names = "--sysfs",
      paramLabel = "PATH",
      description =
          "The sysfs in which addresses are looked up, such as that of a captured machine. Default:"
              + " /sys.")
  private Path sysfs = FunctionSource.SYSFS;

  @Option(
      names = "--form",
      paramLabel = "FORM",
      description =
          "What the dumps are, where their content does not tell: raw, lspci, hex, words (numbers,"
              + " each word's first byte last: pciconf -r, pci display.l), groups (xxd -g 4) or"
              + " coe.")
  private Optional<DumpForm> form = Optional.empty();

  @Spec(Spec.Target.MIXEE)
  private CommandSpec command;

  /// The functions that `sources` name, of which VFIO is asked nothing.
  ///
  /// @throws InputException if there are none, or `--function` names none of them
  /// @throws io.vpasid.pci.dump.DumpException if what is named is not there as a whole
  public List<FoundFunction> functions(List<String> sources) {
    return functions(sources, false);
  }

  /// The functions that `sources` name: files, and addresses of this machine. What dumps do not
  /// have as a whole is noted and left out.
  ///
  /// @param asksVfio whether VFIO is asked about those of this machine
  /// @throws InputException if there are none, or `--function` names none of them
  /// @throws io.vpasid.pci.dump.DumpException if what is named is not there as a whole
  public List<FoundFunction> functions(List<String> sources, boolean asksVfio) {
    FoundFunctions found = find(sources, asksVfio);
    List<FoundFunction> functions = found.whole();
    List<Unread> leftOut = found.incomplete().stream().map(Unread::of).toList();
    Unread.note(command.commandLine().getErr(), leftOut, leftOut.size());
    return functions;
  }

  /// Likewise with those that are not there as a whole.
  public FoundFunctions find(List<String> sources, boolean asksVfio) {
    if (sources.isEmpty()) {
      throw new InputException("nothing to read: name a dump, or an address such as 0000:3b:00.0");
    }
    FunctionSource source = new FunctionSource(sysfs, form, asksVfio);
    return picked(
        sources, sources.stream().map(source::read).reduce(FoundFunctions::and).orElseThrow());
  }

  /// The functions that `sources` name, of which each may also be a folder of dumps and
  /// descriptions.
  ///
  /// @param leftOut receives what is neither in folders, and folders that cannot be listed
  /// @throws InputException if there are none, or `--function` names none of them
  /// @throws io.vpasid.pci.dump.DumpException if what is named itself is not there as a whole
  public FoundFunctions findInFolders(List<String> sources, Consumer<Unread> leftOut) {
    FunctionSource source = new FunctionSource(sysfs, form, false);
    List<FoundFunction> functions = new ArrayList<>();
    List<IncompleteFunction> incomplete = new ArrayList<>();
    for (String name : sources) {
      Path path = Path.of(name);
      if (!Files.isDirectory(path)) {
        FoundFunctions found = source.read(name);
        functions.addAll(found.functions());
        incomplete.addAll(found.incomplete());
        continue;
      }
      for (Iterator<Path> files = new DumpFolders(List.of(path), leftOut); files.hasNext(); ) {
        try {
          FoundFunctions found = source.read(files.next().toString());
          functions.addAll(found.functions());
          incomplete.addAll(found.incomplete());
        } catch (DumpException e) {
          leftOut.accept(Unread.of(e));
        } catch (JsonFileException e) {
          leftOut.accept(Unread.of(e));
        }
      }
    }
    FoundFunctions all = new FoundFunctions(functions, incomplete);
    if (all.isEmpty()) {
      throw new InputException("there is no dump to read in " + String.join(", ", sources));
    }
    return picked(sources, all);
  }

  /// Those that `--function` picks, or all.
  private FoundFunctions picked(List<String> sources, FoundFunctions all) {
    if (picked.isEmpty()) {
      return all;
    }
    PciAddress address = AddressText.parse(picked.get());
    FoundFunctions chosen = all.at(address);
    if (chosen.isEmpty()) {
      throw new InputException(
          "%s: has no function %s, but %s"
              .formatted(String.join(", ", sources), address, all.addresses()));
    }
    return chosen;
  }

  /// All functions of this machine that this user may see whole, or that which `--function` picks.
  ///
  /// @param hidden receives those of which a user without privileges sees 64 bytes only
  public FoundFunctions ofThisMachine(Consumer<SysfsDevice> hidden) {
    if (picked.isPresent()) {
      return find(List.of(AddressText.parse(picked.get()).toString()), false);
    }
    List<FoundFunction> functions = new ArrayList<>();
    FunctionSource source = new FunctionSource(sysfs, form, false);
    for (PciAddress address : SysfsDevice.list(sysfs)) {
      try {
        functions.add(source.ofMachine(address));
      } catch (DumpAccessException _) {
        hidden.accept(SysfsDevice.of(sysfs, address));
      }
    }
    return new FoundFunctions(functions, List.of());
  }
}
