package io.vpasid.vmm.iommufd.simulated;

import io.vpasid.pci.PciAddress;
import io.vpasid.synth.HardwareInfo;
import io.vpasid.vmm.iommufd.BackendOptions;
import io.vpasid.vmm.iommufd.IommufdBackendProvider;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/// Opens simulated contexts, on a host of their own that has a function at every address.
///
/// | option | value | without it |
/// |---|---|---|
/// | `iommu` | `intel`, `intel-legacy`, `arm`, `amd`, `mock` or `none` | `intel` |
/// | `kernel` | a release of Linux, `7.3` | 7.3 |
/// | `hw-info` | what GET_HW_INFO says, as [HardwareInfo#parse] reads it | `width=20,exec,priv` |
public final class SimulatedProvider implements IommufdBackendProvider {
  /// Name of the option for the IOMMU.
  public static final String IOMMU = "iommu";

  /// Name of the option for the release of Linux.
  public static final String KERNEL = "kernel";

  /// Name of the option for what GET_HW_INFO says.
  public static final String HW_INFO = "hw-info";

  /// The kernel's own test IOMMU, which only this backend has by name.
  private static final String MOCK = "mock";

  private static final Set<String> OPTIONS = Set.of(IOMMU, KERNEL, HW_INFO);
  private static final HardwareInfo DEFAULT_INFO = new HardwareInfo(20, true, true, true);
  private static final PciAddress ANYWHERE = new PciAddress(0, 0, 0, 0);

  /// For [java.util.ServiceLoader].
  public SimulatedProvider() {}

  @Override
  public String name() {
    return "simulated";
  }

  @Override
  public Optional<String> obstacle() {
    return Optional.empty();
  }

  @Override
  public SimulatedIommufd open(BackendOptions options) {
    for (String name : options.values().keySet()) {
      if (!OPTIONS.contains(name)) {
        throw new IllegalArgumentException(
            "The simulated backend has no option '" + name + "': it has " + sorted(OPTIONS));
      }
    }
    return SimulatedHost.builder()
        .iommu(options.value(IOMMU).map(SimulatedProvider::iommu).orElse(IommuProfile.intel()))
        .kernel(
            options.value(KERNEL).map(SimulatedProvider::kernel).orElse(KernelVersion.LINUX_7_3))
        .anyDevice(
            SimulatedDevice.at(ANYWHERE)
                .reporting(options.value(HW_INFO).map(HardwareInfo::parse).orElse(DEFAULT_INFO)))
        .build()
        .open();
  }

  private static IommuProfile iommu(String name) {
    if (name.equals(MOCK)) {
      return IommuProfile.mock();
    }
    return IommuProfile.named(name)
        .orElseThrow(() -> {
          List<String> names = new ArrayList<>(IommuProfile.names());
          names.add(MOCK);
          return new IllegalArgumentException(
              "There is no simulated IOMMU '" + name + "': there are " + sorted(names));
        });
  }

  private static KernelVersion kernel(String text) {
    return KernelVersion.parse(text)
        .orElseThrow(() ->
            new IllegalArgumentException(
                "'" + text + "' is no release of Linux: write 7.3 or 6.15"));
  }

  private static String sorted(Collection<String> names) {
    return String.join(", ", names.stream().sorted().toList());
  }
}
