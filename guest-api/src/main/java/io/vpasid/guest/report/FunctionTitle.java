package io.vpasid.guest.report;

import io.vpasid.pci.ConfigSpace;
import io.vpasid.pci.dump.HostFunction;
import io.vpasid.pci.dump.PciNames;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/// The words behind a function's address and ids, which they do not repeat.
public final class FunctionTitle {
  /// Names of classes, for machines without `pci.ids`: base class and sub-class, or base class and
  /// ff for all others of it (PCI Code and ID Assignment Specification, section 1).
  private static final Map<Integer, String> CLASSES =
      Map.ofEntries(
          Map.entry(0x0100, "SCSI storage controller"),
          Map.entry(0x0101, "IDE interface"),
          Map.entry(0x0104, "RAID controller"),
          Map.entry(0x0106, "SATA controller"),
          Map.entry(0x0107, "SAS controller"),
          Map.entry(0x0108, "Non-volatile memory controller"),
          Map.entry(0x01ff, "Mass storage controller"),
          Map.entry(0x0200, "Ethernet controller"),
          Map.entry(0x0207, "InfiniBand controller"),
          Map.entry(0x02ff, "Network controller"),
          Map.entry(0x0300, "VGA compatible controller"),
          Map.entry(0x0302, "3D controller"),
          Map.entry(0x03ff, "Display controller"),
          Map.entry(0x0403, "Audio device"),
          Map.entry(0x04ff, "Multimedia controller"),
          Map.entry(0x0502, "CXL memory device"),
          Map.entry(0x05ff, "Memory controller"),
          Map.entry(0x0600, "Host bridge"),
          Map.entry(0x0601, "ISA bridge"),
          Map.entry(0x0604, "PCI bridge"),
          Map.entry(0x06ff, "Bridge"),
          Map.entry(0x0700, "Serial controller"),
          Map.entry(0x07ff, "Communication controller"),
          Map.entry(0x0806, "IOMMU"),
          Map.entry(0x08ff, "System peripheral"),
          Map.entry(0x0bff, "Processor"),
          Map.entry(0x0c03, "USB controller"),
          Map.entry(0x0c05, "SMBus controller"),
          Map.entry(0x0cff, "Serial bus controller"),
          Map.entry(0x0dff, "Wireless controller"),
          Map.entry(0x10ff, "Encryption controller"),
          Map.entry(0x11ff, "Signal processing controller"),
          Map.entry(0x12ff, "Processing accelerator"));

  private FunctionTitle() {}

  /// The words of lspci where the vendor has a name; else those of the source, if they are more
  /// than numbers; else the class.
  static String of(HostFunction function, PciNames names) {
    ConfigSpace config = function.config();
    if (config.isSilent()) {
      return "no answer";
    }
    if (names.vendor(function.id().vendor()).isPresent()) {
      return names.describe(function.id(), config.classCode(), config.revision());
    }
    return isNumbers(function) ? ofClass(config, names) : function.description();
  }

  /// Neither a file of names nor the source tells what the function is called.
  private static boolean isNameless(HostFunction function, PciNames names) {
    return !function.config().isSilent()
        && isNumbers(function)
        && names.vendor(function.id().vendor()).isEmpty();
  }

  /// Where to get names, if there is no file of them and a function has none of its own.
  public static Optional<String> hint(Stream<HostFunction> functions, PciNames names) {
    return names.isEmpty() && functions.anyMatch(f -> isNameless(f, names))
        ? Optional.of("names come from pci.ids, of the package pci.ids or hwdata, which is missing")
        : Optional.empty();
  }

  private static boolean isNumbers(HostFunction function) {
    String description = function.description();
    return description.isBlank() || description.contains(function.id().toString());
  }

  private static String ofClass(ConfigSpace config, PciNames names) {
    int kind = config.classCode() >>> 8;
    String name =
        names
            .subClass(config.classCode())
            .orElseGet(() ->
                CLASSES.getOrDefault(
                    kind,
                    CLASSES.getOrDefault(
                        kind | 0xff, String.format(Locale.ROOT, "Class %04x", kind))));
    return config.revision() == 0
        ? name
        : String.format(Locale.ROOT, "%s (rev %02x)", name, config.revision());
  }
}
