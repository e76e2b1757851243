package io.vpasid.guest.cli.doctor;

import io.vpasid.guest.report.Json;
import io.vpasid.pci.PciAddress;
import io.vpasid.pci.dump.SysfsDevice;
import io.vpasid.vmm.iommufd.BackendOptions;
import io.vpasid.vmm.iommufd.BoundDevice;
import io.vpasid.vmm.iommufd.HwInfo;
import io.vpasid.vmm.iommufd.IommufdBackend;
import io.vpasid.vmm.iommufd.IommufdException;
import io.vpasid.vmm.iommufd.kernel.KernelProvider;
import io.vpasid.vmm.iommufd.kernel.PhysicalPasid;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// Looks at what one function needs: an IOMMU group that is free, vfio-pci, its device file, and a
/// PASID capability that is enabled. It only reads files, unless it is told to bind.
final class FunctionCheckup {
  private final HostFiles host;
  private final PciAddress address;
  private final SysfsDevice function;

  /// @throws io.vpasid.pci.dump.DumpException if there is no such function
  FunctionCheckup(HostFiles host, PciAddress address) {
    this.host = host;
    this.address = address;
    this.function = SysfsDevice.of(host.paths().sysfs(), address);
  }

  /// @param bind whether to bind the function for a moment and ask the kernel for its width
  List<Finding> findings(boolean bind) {
    List<Finding> findings = new ArrayList<>();
    findings.add(group());
    Path iommu = function.directory().resolve("iommu");
    if (Files.exists(iommu)) {
      findings.add(new HostCheckup(host).iommu(iommu));
    }
    findings.add(driver());
    if (isBound()) {
      findings.add(deviceFile());
    }
    findings.add(capability());
    if (bind) {
      findings.add(width());
    }
    return findings;
  }

  private boolean isBound() {
    return function.driver().equals(Optional.of("vfio-pci"));
  }

  private Finding group() {
    Path devices = function.directory().resolve("iommu_group/devices");
    if (!Files.isDirectory(devices)) {
      return Finding.missing(
          "group", "it has no IOMMU group: no IOMMU translates for it, see the host's findings");
    }
    List<String> others = new ArrayList<>();
    for (Path entry : HostFiles.entries(devices)) {
      PciAddress.parse(String.valueOf(entry.getFileName()))
          .filter(other -> !other.equals(address))
          .ifPresent(other -> describeIfHeld(other).ifPresent(others::add));
    }
    return others.isEmpty()
        ? Finding.ok("group", "nobody else holds its IOMMU group")
        : Finding.missing(
            "group",
            "its IOMMU group is shared with " + String.join(" and ", others),
            others.stream()
                .map(other -> unbind(other.substring(0, other.indexOf(' '))))
                .toArray(String[]::new));
  }

  /// A function of the group that another driver uses; bridges and functions without a driver do
  /// not matter.
  private Optional<String> describeIfHeld(PciAddress other) {
    SysfsDevice device = SysfsDevice.of(host.paths().sysfs(), other);
    return device
        .driver()
        .filter(driver -> !driver.contains("vfio") && !driver.equals("pcieport"))
        .map(driver -> other + " (" + driver + ")");
  }

  private static String unbind(String function) {
    return "echo " + function + " | sudo tee /sys/bus/pci/devices/" + function + "/driver/unbind";
  }

  private Finding driver() {
    String override =
        "echo vfio-pci | sudo tee /sys/bus/pci/devices/" + address + "/driver_override";
    String probe = "echo " + address + " | sudo tee /sys/bus/pci/drivers_probe";
    Optional<String> driver = function.driver();
    if (driver.isEmpty()) {
      return Finding.missing("driver", "no driver has it", override, probe);
    }
    if (isBound()) {
      return Finding.ok("driver", "vfio-pci has it");
    }
    String why = driver.get().contains("vfio") ? ", which takes no PASIDs" : "";
    return Finding.missing(
        "driver", driver.get() + " has it" + why, override, unbind(address.toString()), probe);
  }

  private Finding deviceFile() {
    Optional<String> name = host.paths().vfioName(address);
    if (name.isEmpty()) {
      return Finding.missing(
          "device file", "it has no VFIO device: its IOMMU group has no IOMMU behind it");
    }
    Path entry = function.directory().resolve("vfio-dev").resolve(name.get());
    String path = "/dev/vfio/devices/" + name.get();
    if (!Files.exists(entry.resolve("dev"))) {
      return Finding.missing(
          "device file",
          "%s has no file of its own: the kernel was built without CONFIG_VFIO_DEVICE_CDEV"
              .formatted(name.get()),
          "boot a kernel with CONFIG_VFIO_DEVICE_CDEV");
    }
    Path file = host.paths().vfioDevices().resolve(name.get());
    return Files.exists(file)
        ? HostCheckup.canOpen("device file", file, path)
        : Finding.missing("device file", "there is no " + path, "sudo udevadm trigger -s vfio-dev");
  }

  private Finding capability() {
    PhysicalPasid pasid = PhysicalPasid.of(host.paths(), address);
    String whose =
        pasid.holder().equals(address) ? "" : " of its physical function " + pasid.holder();
    return switch (pasid) {
      case PhysicalPasid.Present(var _, int offset, int width, boolean enabled) -> {
        String text =
            "PASID capability" + whose + " at " + Json.hex(offset) + ", Max PASID Width " + width;
        if (width == 0) {
          yield Finding.no("pasid", text + ", which is no PASID that can be used");
        }
        yield enabled
            ? Finding.ok("pasid", text + ", enabled")
            : Finding.missing(
                "pasid",
                text + ", not enabled; Linux wants End-End TLP prefixes and ACS on the whole path",
                "sudo dmesg | grep -iE 'dmar|iommu|pasid|" + pasid.holder() + "'");
      }
      case PhysicalPasid.Absent _ ->
          Finding.no("pasid", "there is no PASID capability" + whose + " in the hardware");
      case PhysicalPasid.Unreadable(var _, String reason) ->
          Finding.unknown("pasid", reason, "sudo ./vpasid doctor " + address);
    };
  }

  /// The kernel's answer when the function is bound, which resets it.
  private Finding width() {
    try (IommufdBackend iommufd = new KernelProvider().open(BackendOptions.DEFAULTS);
        BoundDevice device = iommufd.bind(address)) {
      HwInfo info = device.hwInfo();
      String can =
          "PASIDs of %s bits, Exec%s, Priv%s"
              .formatted(
                  info.maxPasidLog2(),
                  info.has(HwInfo.PASID_EXEC) ? '+' : '-',
                  info.has(HwInfo.PASID_PRIV) ? '+' : '-');
      return info.maxPasidLog2() > 0
          ? Finding.ok("width", can)
          : Finding.no("width", "the kernel has no PASIDs for it");
    } catch (IommufdException | IllegalStateException e) {
      return Finding.missing("width", String.valueOf(e.getMessage()).replaceFirst("\\.$", ""));
    }
  }
}
