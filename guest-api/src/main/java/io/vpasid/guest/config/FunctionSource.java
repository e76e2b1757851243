package io.vpasid.guest.config;

import io.vpasid.pci.PciAddress;
import io.vpasid.pci.dump.Dump;
import io.vpasid.pci.dump.DumpAccessException;
import io.vpasid.pci.dump.DumpForm;
import io.vpasid.pci.dump.Dumps;
import io.vpasid.pci.dump.HostFunction;
import io.vpasid.pci.dump.IncompleteFunction;
import io.vpasid.pci.dump.SysfsDevice;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/// Which functions a command works on, and `--function`, which picks one of them.
public final class FunctionSource {
  /// What is named in place of a file.
  private static final String STANDARD_INPUT = "-";

  @Option(
      names = "--function",
      paramLabel = "ADDRESS",
      description = "Work only on the function at this address of the file, as in 0000:6a:01.0.")
  private Optional<String> picked = Optional.empty();

  /// Of the functions that were read from description files.
  private final Map<HostFunction, FunctionDescription> descriptions = new HashMap<>();

  @Option(
      names = "--sysfs",
      paramLabel = "PATH",
      description =
          "The sysfs in which addresses are looked up, such as that of a captured machine. Default:"
              + " /sys.")
  private Path sysfs = Path.of("/sys");

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

  private boolean asksVfio;

  /// For the command line, which fills in the options.
  public FunctionSource() {}

  private final IdentityHashMap<HostFunction, LiveFunction> live = new IdentityHashMap<>();

  /// What `sources` name.
  ///
  /// @param functions those that can be worked on
  /// @param incomplete those of dumps that have them, but not as a whole
  public record Named(List<HostFunction> functions, List<IncompleteFunction> incomplete) {}

  /// The functions that `sources` name: files, and addresses of this machine. What dumps do not
  /// have as a whole is noted and left out.
  ///
  /// @throws InputException if there are none, or `--function` names none of them
  /// @throws io.vpasid.pci.dump.DumpException if what is named is not there as a whole
  public List<HostFunction> functions(List<String> sources) {
    Named named = named(sources);
    if (named.functions.isEmpty()) {
      throw named.incomplete.getFirst().toException();
    }
    List<Unread> leftOut = named.incomplete.stream().map(Unread::of).toList();
    Unread.note(command.commandLine().getErr(), leftOut, leftOut.size());
    return named.functions;
  }

  /// Likewise with those that are not there as a whole; one of the lists has an element.
  public Named named(List<String> sources) {
    if (sources.isEmpty()) {
      throw new InputException("nothing to read: name a dump, or an address such as 0000:3b:00.0");
    }
    List<HostFunction> all = new ArrayList<>();
    List<IncompleteFunction> incomplete = new ArrayList<>();
    for (String source : sources) {
      Named read = read(source);
      all.addAll(read.functions);
      incomplete.addAll(read.incomplete);
    }
    if (picked.isEmpty()) {
      return new Named(all, incomplete);
    }
    PciAddress address =
        PciAddress.parse(picked.get())
            .orElseThrow(() ->
                new InputException(
                    "--function '" + picked.get() + "' is no address such as 0000:6a:01.0"));
    List<HostFunction> chosen = all.stream().filter(f -> f.address().equals(address)).toList();
    List<IncompleteFunction> parts =
        incomplete.stream().filter(f -> f.address().equals(address)).toList();
    if (chosen.isEmpty() && parts.isEmpty()) {
      throw new InputException(
          String.join(", ", sources)
              + ": has no function "
              + address
              + "; vpasid inspect lists those that it has");
    }
    return new Named(chosen, parts);
  }

  /// The addresses of all functions of this machine.
  public List<String> ofThisMachine() {
    return SysfsDevice.list(sysfs).stream().map(PciAddress::toString).toList();
  }

  private Named read(String source) {
    Optional<PciAddress> address = PciAddress.parse(source);
    Path path = Path.of(source.equals(STANDARD_INPUT) ? "/dev/stdin" : source);
    if (address.isPresent() && !Files.exists(path)) {
      SysfsDevice device = SysfsDevice.of(sysfs, address.get());
      VfioAnswer vfio =
          asksVfio
              ? VfioAnswer.of(device.address(), device.driver().orElse(""))
              : new VfioAnswer.None("it is not asked");
      HostFunction function = function(device, vfio);
      live.put(function, LiveFunction.of(sysfs, device, function, vfio));
      return new Named(List.of(function), List.of());
    }
    if (source.endsWith(".json")) {
      FunctionDescription described = FunctionFile.read(path);
      descriptions.put(described.captured(), described);
      return new Named(List.of(described.captured()), List.of());
    }
    Dump dump = Dumps.open(path, form);
    return new Named(dump.functions(), dump.incomplete());
  }

  /// Sysfs gives the bytes as the hardware has them, and more than 64 only to the privileged; where
  /// it does not, those of VFIO's region serve.
  private static HostFunction function(SysfsDevice device, VfioAnswer vfio) {
    try {
      return device.function();
    } catch (DumpAccessException e) {
      if (vfio instanceof VfioAnswer.Answered answered) {
        return new HostFunction(device.address(), "", answered.region());
      }
      throw e;
    }
  }

  /// Lets VFIO be asked about functions that are named by their address: [VfioAnswer] says which.
  public void askVfio() {
    asksVfio = sysfs.equals(Path.of("/sys"));
  }

  /// What is known of a function that [#functions] returned, for its emulation.
  public FunctionDescription describe(HostFunction function) {
    return describe(function, BarSizes.UNKNOWN);
  }

  /// Likewise, with the sizes of BARs that a user knows.
  ///
  /// @throws InputException if they cannot be those of the function
  public FunctionDescription describe(HostFunction function, BarSizes bars) {
    FunctionDescription described = descriptions.get(function);
    if (described == null) {
      try {
        return FunctionDescription.of(function, bars);
      } catch (IllegalArgumentException e) {
        throw new InputException("--bar: " + e.getMessage());
      }
    }
    if (!bars.equals(BarSizes.UNKNOWN)) {
      throw new InputException("--bar: a description says the sizes of its BARs itself");
    }
    return described;
  }

  /// What more is known of one of the functions, if it was named by its address.
  public Optional<LiveFunction> live(HostFunction function) {
    return Optional.ofNullable(live.get(function));
  }
}
