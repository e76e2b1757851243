package io.vpasid.pci.dump;

import io.vpasid.pci.ConfigSpace;
import io.vpasid.pci.PciAddress;
import io.vpasid.pci.PciId;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/// A PCI function of this machine, as Linux shows it in sysfs.
///
/// Linux shows the first 64 bytes of the configuration space to everybody, and the rest to
/// processes with CAP_SYS_ADMIN. Every method reads sysfs anew; nothing is written.
public final class SysfsDevice {
  private static final Path SYSFS = Path.of("/sys");
  private static final int MAX_ATTRIBUTE_BYTES = 64;

  private final PciAddress address;
  private final Path directory;

  private SysfsDevice(PciAddress address, Path directory) {
    this.address = address;
    this.directory = directory;
  }

  /// The function at an address of this machine.
  ///
  /// @throws DumpException if there is none
  /// @throws DumpAccessException if there is no sysfs with a PCI bus
  public static SysfsDevice of(PciAddress address) {
    return of(SYSFS, address);
  }

  /// The function at an address below another root than `/sys`: a captured tree, a container's
  /// view.
  ///
  /// @throws DumpException as above
  public static SysfsDevice of(Path sysfs, PciAddress address) {
    Path directory = devices(sysfs).resolve(address.toString());
    if (!Files.isDirectory(directory)) {
      throw new DumpException(
          directory.toString(), 0, "there is no such PCI function here: see `lspci -D`");
    }
    return new SysfsDevice(address, directory);
  }

  /// The addresses of all functions of this machine, ascending.
  ///
  /// @throws DumpAccessException if there is no sysfs with a PCI bus
  public static List<PciAddress> list() {
    return list(SYSFS);
  }

  /// The same below another root than `/sys`.
  ///
  /// @throws DumpAccessException as above
  public static List<PciAddress> list(Path sysfs) {
    Path devices = devices(sysfs);
    List<PciAddress> addresses = new ArrayList<>();
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(devices)) {
      for (Path entry : entries) {
        nameOf(entry).flatMap(PciAddress::parse).ifPresent(addresses::add);
      }
    } catch (DirectoryIteratorException e) {
      throw DumpFile.unreadable(devices.toString(), new IOException(e));
    } catch (IOException e) {
      throw DumpFile.unreadable(devices.toString(), e);
    }
    Collections.sort(addresses);
    return List.copyOf(addresses);
  }

  /// Reads the function at an address of this machine.
  ///
  /// @throws DumpException if there is none
  /// @throws DumpAccessException if privileges are missing
  public static HostFunction read(PciAddress address) {
    return of(address).function();
  }

  /// The address where the function sits.
  public PciAddress address() {
    return address;
  }

  /// Its folder, `/sys/bus/pci/devices/ADDRESS`.
  public Path directory() {
    return directory;
  }

  /// The function with its whole configuration space, described as `lspci -n` does. The ids in the
  /// description are those of [#id()], also for a virtual function.
  ///
  /// @throws DumpAccessException if privileges are missing
  /// @throws DumpException if the function has gone away, or cannot be read
  public HostFunction function() {
    Path file = directory.resolve("config");
    String name = file.toString();
    byte[] bytes;
    try (InputStream in = Files.newInputStream(file)) {
      bytes = in.readNBytes(ConfigSpace.EXTENDED_SIZE + 1);
    } catch (IOException e) {
      throw DumpFile.unreadable(name, e);
    }
    if (DumpFile.isHeaderOnly(bytes.length)) {
      throw DumpFile.notPrivileged(name, bytes.length);
    }
    if (bytes.length != ConfigSpace.STANDARD_SIZE && bytes.length != ConfigSpace.EXTENDED_SIZE) {
      throw new DumpException(
          name,
          0,
          "gave "
              + bytes.length
              + " bytes, a configuration space has 256 or 4096: see whether the function is still"
              + " there with `lspci -D`");
    }
    ConfigSpace config = ConfigSpace.of(bytes);
    PciId id = id().orElse(config.id());
    int classCode = attribute("class", 24).orElse(config.classCode());
    int revision = attribute("revision", 8).orElse(config.revision());
    return new HostFunction(
        address, HostFunction.numericDescription(id, classCode, revision), config, name, 0);
  }

  /// Vendor and device as the kernel knows them. For an SR-IOV virtual function this is the only
  /// place where they stand: the registers in its configuration space read 0xffff.
  public Optional<PciId> id() {
    return pair("vendor", "device");
  }

  /// Subsystem vendor and subsystem as the kernel knows them.
  public Optional<PciId> subsystem() {
    return pair("subsystem_vendor", "subsystem_device");
  }

  /// The physical function of this one, if it is an SR-IOV virtual function.
  public Optional<PciAddress> physicalFunction() {
    return linkTarget("physfn").flatMap(PciAddress::parse);
  }

  /// The driver that is bound to it, such as `vfio-pci`.
  public Optional<String> driver() {
    return linkTarget("driver").map(OneLine::of);
  }

  /// The number of its IOMMU group; empty where no IOMMU translates for it.
  public OptionalInt iommuGroup() {
    Optional<String> name = linkTarget("iommu_group");
    return name.isPresent() ? decimal(name.get()) : OptionalInt.empty();
  }

  @Override
  public String toString() {
    return directory.toString();
  }

  private static Path devices(Path sysfs) {
    Path devices = sysfs.resolve("bus/pci/devices");
    if (!Files.isDirectory(devices)) {
      throw new DumpAccessException(
          devices.toString(),
          "there is no PCI bus here: run this on Linux, with sysfs mounted and PCI in the machine");
    }
    return devices;
  }

  private Optional<PciId> pair(String vendor, String device) {
    OptionalInt high = attribute(vendor, 16);
    OptionalInt low = attribute(device, 16);
    return high.isPresent() && low.isPresent()
        ? Optional.of(new PciId(high.getAsInt(), low.getAsInt()))
        : Optional.empty();
  }

  /// A number such as `0x8086`, of no more than `bits` bits.
  private OptionalInt attribute(String name, int bits) {
    try (InputStream in = Files.newInputStream(directory.resolve(name))) {
      String text = new String(in.readNBytes(MAX_ATTRIBUTE_BYTES), StandardCharsets.ISO_8859_1);
      long value = Long.decode(text.strip());
      return value >= 0 && value >>> bits == 0 ? OptionalInt.of((int) value) : OptionalInt.empty();
    } catch (IOException | NumberFormatException _) {
      return OptionalInt.empty();
    }
  }

  private Optional<String> linkTarget(String name) {
    try {
      return nameOf(Files.readSymbolicLink(directory.resolve(name)));
    } catch (IOException | UnsupportedOperationException _) {
      return Optional.empty();
    }
  }

  private static Optional<String> nameOf(Path path) {
    return Optional.ofNullable(path.getFileName()).map(Path::toString);
  }

  private static OptionalInt decimal(String text) {
    try {
      return OptionalInt.of(Integer.parseUnsignedInt(text));
    } catch (NumberFormatException _) {
      return OptionalInt.empty();
    }
  }
}
