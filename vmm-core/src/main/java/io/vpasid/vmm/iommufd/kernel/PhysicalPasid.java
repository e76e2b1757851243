package io.vpasid.vmm.iommufd.kernel;

import io.vpasid.pci.ConfigSpace;
import io.vpasid.pci.PciAddress;
import io.vpasid.pci.capability.CapabilityChain;
import io.vpasid.pci.capability.CapabilityId;
import io.vpasid.pci.dump.DumpException;
import io.vpasid.pci.dump.SysfsDevice;
import io.vpasid.synth.PasidCapability;
import java.util.Optional;

/// PASID support in the hardware of a function, as sysfs shows it.
///
/// A virtual function has no such capability and uses its physical function's (PCI Express Base
/// Specification 7.0, section 9.3.7.14). Linux reports a width also where it could not enable
/// PASIDs at the device, so that the Enable bit is worth a look; reading it takes CAP_SYS_ADMIN.
public sealed interface PhysicalPasid {

  /// The function whose capability it is: its own, or its physical function.
  PciAddress holder();

  /// There is a capability.
  ///
  /// @param holder whose it is
  /// @param offset where it is
  /// @param width Max PASID Width, 0 to 31
  /// @param enabled PASID Enable
  record Present(PciAddress holder, int offset, int width, boolean enabled)
      implements PhysicalPasid {}

  /// There is none.
  ///
  /// @param holder whose configuration space was read
  record Absent(PciAddress holder) implements PhysicalPasid {}

  /// The configuration space cannot be read here.
  ///
  /// @param holder whose it is
  /// @param reason why, and what to do, in one line
  record Unreadable(PciAddress holder, String reason) implements PhysicalPasid {}

  /// Reads it.
  static PhysicalPasid of(HostPaths paths, PciAddress address) {
    PciAddress holder = address;
    try {
      SysfsDevice function = SysfsDevice.of(paths.sysfs(), address);
      holder = function.physicalFunction().orElse(address);
      ConfigSpace config = SysfsDevice.of(paths.sysfs(), holder).function().config();
      return of(holder, config);
    } catch (DumpException e) {
      return new Unreadable(holder, String.valueOf(e.getMessage()));
    }
  }

  private static PhysicalPasid of(PciAddress holder, ConfigSpace config) {
    Optional<Integer> offset =
        CapabilityChain.walk(config).find(CapabilityId.PASID).map(found -> found.offset());
    if (offset.isEmpty()) {
      return new Absent(holder);
    }
    int registers = config.u32(offset.get() + PasidCapability.REGISTERS);
    return new Present(
        holder,
        offset.get(),
        PasidCapability.widthAt(config, offset.get()),
        PasidCapability.isEnabled(registers));
  }
}
