package io.vpasid.guest.config;

import io.vpasid.pci.ConfigSpace;
import io.vpasid.pci.PciAddress;
import io.vpasid.pci.emulation.GuestConfigSpace;
import io.vpasid.synth.HardwareInfo;
import io.vpasid.vmm.iommufd.BackendOptions;
import io.vpasid.vmm.iommufd.BoundDevice;
import io.vpasid.vmm.iommufd.IommufdBackend;
import io.vpasid.vmm.iommufd.IommufdException;
import io.vpasid.vmm.iommufd.kernel.KernelProvider;

/// The answer of VFIO and iommufd on a function of this machine: better than what can be concluded
/// from sysfs, and without the privilege that sysfs wants for more than 64 bytes.
///
/// Only a function that vfio-pci has, and that nobody has open, is asked: it is bound for a moment,
/// which resets it.
public sealed interface VfioAnswer {

  /// It answered.
  ///
  /// @param region the configuration space as its region has it
  /// @param hardware what IOMMU_GET_HW_INFO reports
  record Answered(ConfigSpace region, HardwareInfo hardware) implements VfioAnswer {}

  /// It was not asked, or refused.
  ///
  /// @param why as a part of a sentence
  record None(String why) implements VfioAnswer {}

  /// Asks, if it may.
  ///
  /// @param driver the function's driver, empty if it has none
  static VfioAnswer of(PciAddress address, String driver) {
    if (!driver.equals("vfio-pci")) {
      return new None(
          driver.isEmpty() ? "no driver has it" : "its driver is " + driver + ", not vfio-pci");
    }
    KernelProvider kernel = new KernelProvider();
    return kernel.obstacle().<VfioAnswer>map(None::new).orElseGet(() -> ask(kernel, address));
  }

  private static VfioAnswer ask(KernelProvider kernel, PciAddress address) {
    try (IommufdBackend iommufd = kernel.open(BackendOptions.DEFAULTS);
        BoundDevice device = iommufd.bind(address)) {
      return new Answered(
          GuestConfigSpace.over(device.config()).build().toConfigSpace(),
          device.hwInfo().hardwareInfo());
    } catch (IommufdException e) {
      return new None(String.valueOf(e.getMessage()));
    }
  }
}
