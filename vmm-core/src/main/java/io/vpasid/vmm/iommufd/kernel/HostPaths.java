package io.vpasid.vmm.iommufd.kernel;

import io.vpasid.pci.PciAddress;
import io.vpasid.vmm.iommufd.IommufdException;
import io.vpasid.vmm.linux.Errno;
import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/// Files of Linux that belong to iommufd and VFIO.
///
/// @param iommu the iommufd device, `/dev/iommu`
/// @param vfioDevices the folder of VFIO devices, `/dev/vfio/devices`
/// @param sysfs the root of sysfs, `/sys`
public record HostPaths(Path iommu, Path vfioDevices, Path sysfs) {
  /// Those of every Linux.
  static final HostPaths DEFAULT = below(Path.of("/"));

  private static final String VFIO = "vfio";

  /// Those below another root than `/`: a captured tree, a container's view.
  public static HostPaths below(Path root) {
    return new HostPaths(
        root.resolve("dev/iommu"), root.resolve("dev/vfio/devices"), root.resolve("sys"));
  }

  /// The folder of a PCI function in sysfs.
  Path function(PciAddress address) {
    return sysfs.resolve("bus/pci/devices").resolve(address.toString());
  }

  /// The name of a function's VFIO device, `vfio0`; empty if no VFIO driver is bound to it.
  ///
  /// The number belongs to the binding: it changes when the driver is bound again. A device without
  /// an IOMMU has a name that begins otherwise and is not found here.
  public Optional<String> vfioName(PciAddress address) {
    Path folder = function(address).resolve("vfio-dev");
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(folder, VFIO + "*")) {
      for (Path entry : entries) {
        return Optional.of(String.valueOf(entry.getFileName()));
      }
      return Optional.empty();
    } catch (IOException | DirectoryIteratorException _) {
      return Optional.empty();
    }
  }

  /// The file of a function's VFIO device.
  ///
  /// @throws IommufdException ENODEV, if no VFIO driver is bound to the function or there is no
  ///   such function
  Path vfioDevice(PciAddress address) {
    return vfioName(address)
        .map(vfioDevices::resolve)
        .orElseThrow(() ->
            new IommufdException(
                Errno.ENODEV,
                "VFIO_DEVICE_BIND_IOMMUFD",
                "device " + address + ", which no VFIO driver has"));
  }

  /// True if a function is an SR-IOV virtual function.
  boolean isVirtual(PciAddress address) {
    return Files.exists(function(address).resolve("physfn"));
  }
}
