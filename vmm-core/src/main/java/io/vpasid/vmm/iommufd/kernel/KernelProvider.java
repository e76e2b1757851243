package io.vpasid.vmm.iommufd.kernel;

import io.vpasid.vmm.iommufd.BackendOptions;
import io.vpasid.vmm.iommufd.IommufdBackend;
import io.vpasid.vmm.iommufd.IommufdBackendProvider;
import io.vpasid.vmm.linux.calls.SystemCalls;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;

/// Opens `/dev/iommu` of the running Linux.
///
/// | option | value | without it |
/// |---|---|---|
/// | `iommu` | path of the iommufd device | `/dev/iommu` |
/// | `vfio-devices` | path of the folder of VFIO devices | `/dev/vfio/devices` |
/// | `vf-token` | UUID that the owner of a virtual function's physical function has set | none |
public final class KernelProvider implements IommufdBackendProvider {
  /// Name of the option for the iommufd device.
  public static final String IOMMU = "iommu";

  /// Name of the option for the folder of VFIO devices.
  public static final String VFIO_DEVICES = "vfio-devices";

  /// Name of the option for the token of virtual functions.
  public static final String VF_TOKEN = "vf-token";

  private static final Set<String> OPTIONS = Set.of(IOMMU, VFIO_DEVICES, VF_TOKEN);

  /// For [java.util.ServiceLoader].
  public KernelProvider() {}

  @Override
  public String name() {
    return "kernel";
  }

  @Override
  public Optional<String> obstacle() {
    Optional<String> calls = SystemCalls.obstacle();
    Path iommu = HostPaths.DEFAULT.iommu();
    if (calls.isPresent()) {
      return calls;
    }
    if (!Files.exists(iommu)) {
      return Optional.of(
          "there is no %s: load it with `modprobe iommufd`, or use a kernel with CONFIG_IOMMUFD"
              .formatted(iommu));
    }
    if (!Files.isReadable(iommu) || !Files.isWritable(iommu)) {
      return Optional.of(iommu + " may not be opened: run this as root, or as its owner");
    }
    return Optional.empty();
  }

  @Override
  public IommufdBackend open(BackendOptions options) {
    for (String name : options.values().keySet()) {
      if (!OPTIONS.contains(name)) {
        throw new IllegalArgumentException(
            "The kernel's backend has no option '%s': it has %s"
                .formatted(name, String.join(", ", OPTIONS.stream().sorted().toList())));
      }
    }
    HostPaths host = HostPaths.DEFAULT;
    return new KernelIommufd(
        SystemCalls.ofThisProcess(),
        new HostPaths(
            options.value(IOMMU).map(Path::of).orElse(host.iommu()),
            options.value(VFIO_DEVICES).map(Path::of).orElse(host.vfioDevices()),
            host.sysfs()),
        options.value(VF_TOKEN).map(KernelProvider::token));
  }

  private static UUID token(String text) {
    try {
      UUID token = UUID.fromString(text);
      if (token.toString().equalsIgnoreCase(text)) {
        return token;
      }
    } catch (IllegalArgumentException _) {
      // told below
    }
    throw new IllegalArgumentException(
        VF_TOKEN + " is a UUID such as 123e4567-e89b-42d3-a456-426614174000, not '" + text + "'");
  }
}
