package io.vpasid.guest.config;

import io.vpasid.pci.PciAddress;
import io.vpasid.pci.dump.DumpAccessException;
import io.vpasid.pci.dump.Dumps;
import io.vpasid.pci.dump.HostFunction;
import io.vpasid.pci.dump.SysfsDevice;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import picocli.CommandLine.Option;

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

  private boolean asksVfio;

  /// For the command line, which fills in the options.
  public FunctionSource() {}

  private final IdentityHashMap<HostFunction, LiveFunction> live = new IdentityHashMap<>();

  /// The functions that `sources` name: files, and addresses of this machine.
  ///
  /// @throws InputException if there are none, or `--function` names none of them
  public List<HostFunction> functions(List<String> sources) {
    if (sources.isEmpty()) {
      throw new InputException("nothing to read: name a dump, or an address such as 0000:3b:00.0");
    }
    List<HostFunction> all = new ArrayList<>();
    for (String source : sources) {
      all.addAll(read(source));
    }
    if (picked.isEmpty()) {
      return all;
    }
    PciAddress address =
        PciAddress.parse(picked.get())
            .orElseThrow(() ->
                new InputException(
                    "--function '" + picked.get() + "' is no address such as 0000:6a:01.0"));
    List<HostFunction> chosen = all.stream().filter(f -> f.address().equals(address)).toList();
    if (chosen.isEmpty()) {
      throw new InputException(
          String.join(", ", sources)
              + ": has no function "
              + address
              + "; vpasid inspect lists those that it has");
    }
    return chosen;
  }

  /// The addresses of all functions of this machine.
  public List<String> ofThisMachine() {
    return SysfsDevice.list(sysfs).stream().map(PciAddress::toString).toList();
  }

  private List<HostFunction> read(String source) {
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
      return List.of(function);
    }
    if (source.endsWith(".json")) {
      FunctionDescription described = FunctionFile.read(path);
      descriptions.put(described.captured(), described);
      return List.of(described.captured());
    }
    return Dumps.read(path);
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
