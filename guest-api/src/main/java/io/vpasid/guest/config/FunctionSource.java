package io.vpasid.guest.config;

import io.vpasid.pci.PciAddress;
import io.vpasid.pci.dump.Dump;
import io.vpasid.pci.dump.DumpAccessException;
import io.vpasid.pci.dump.DumpForm;
import io.vpasid.pci.dump.Dumps;
import io.vpasid.pci.dump.HostFunction;
import io.vpasid.pci.dump.SysfsDevice;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/// Reads the functions that a name stands for, whoever names them: a dump, a description of a
/// function (`FILE.json`), `-` for a dump on the standard input, or an address of this machine
/// where no file has that name.
public final class FunctionSource {
  /// This machine's sysfs.
  public static final Path SYSFS = Path.of("/sys");

  private static final String STANDARD_INPUT = "-";

  private final Path sysfs;
  private final Optional<DumpForm> form;
  private final boolean asksVfio;

  /// @param sysfs where addresses are looked up
  /// @param form what the dumps are; empty if their content tells
  /// @param asksVfio whether functions of this machine are bound for a moment, so that VFIO
  ///   answers; see [VfioAnswer]
  public FunctionSource(Path sysfs, Optional<DumpForm> form, boolean asksVfio) {
    this.sysfs = sysfs;
    this.form = form;
    this.asksVfio = asksVfio && sysfs.equals(SYSFS);
  }

  /// Looks addresses up in this machine's sysfs, and asks VFIO nothing.
  public FunctionSource() {
    this(SYSFS, Optional.empty(), false);
  }

  /// Reads what `name` stands for.
  ///
  /// @throws InputException if it is meant as an address and is none
  /// @throws io.vpasid.pci.dump.DumpException if a dump or an address cannot be read
  /// @throws io.vpasid.synth.json.JsonFileException if a description cannot
  public FoundFunctions read(String name) {
    Path path = Path.of(name.equals(STANDARD_INPUT) ? "/dev/stdin" : name);
    Optional<PciAddress> address = PciAddress.parse(name);
    if (address.isPresent() && !Files.exists(path)) {
      return new FoundFunctions(List.of(ofMachine(address.get())), List.of());
    }
    if (!Files.exists(path)) {
      AddressText.problem(name)
          .ifPresent(problem -> {
            throw new InputException(problem);
          });
    }
    if (name.endsWith(".json")) {
      FunctionDescription described = FunctionFile.read(path);
      return new FoundFunctions(
          List.of(
              new FoundFunction(described.captured(), Optional.of(described), Optional.empty())),
          List.of());
    }
    Dump dump = Dumps.open(path, form);
    return new FoundFunctions(
        dump.functions().stream().map(FoundFunction::captured).toList(), dump.incomplete());
  }

  /// The function at an address of this machine.
  ///
  /// @throws io.vpasid.pci.dump.DumpException if it cannot be read
  public FoundFunction ofMachine(PciAddress address) {
    SysfsDevice device = SysfsDevice.of(sysfs, address);
    VfioAnswer vfio =
        asksVfio
            ? VfioAnswer.of(device.address(), device.driver().orElse(""))
            : new VfioAnswer.None("it is not asked");
    HostFunction function = function(device, vfio);
    return new FoundFunction(
        function, Optional.empty(), Optional.of(LiveFunction.of(sysfs, device, function, vfio)));
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
}
