package io.vpasid.guest.config;

import io.vpasid.pci.ConfigSpace;
import io.vpasid.pci.PciAddress;
import io.vpasid.pci.capability.Capability;
import io.vpasid.pci.capability.CapabilityChain;
import io.vpasid.pci.capability.CapabilityId;
import io.vpasid.pci.dump.DumpException;
import io.vpasid.pci.dump.HostFunction;
import io.vpasid.pci.dump.SysfsDevice;
import io.vpasid.pci.vfio.VfioView;
import io.vpasid.synth.HardwareInfo;
import io.vpasid.synth.PasidCapability;
import io.vpasid.synth.quirk.FunctionKind;
import java.nio.file.Path;
import java.util.Optional;

/// The facts that sysfs, and VFIO where it may be asked, tell of a function of this machine, beside
/// its configuration space.
///
/// @param kind a virtual function is one with a link to its physical function
/// @param owner where the PASID capability that holds for the function is: the function itself, or
///   its physical function, whose PASIDs a virtual function shares
/// @param ownersConfig the configuration space of that; empty where it cannot be read
/// @param vfio what VFIO says
public record LiveFunction(
    FunctionKind kind, PciAddress owner, Optional<ConfigSpace> ownersConfig, VfioAnswer vfio) {

  /// @param sysfs where sysfs is mounted
  /// @param function what was read of the device
  /// @param vfio what VFIO says of it
  static LiveFunction of(Path sysfs, SysfsDevice device, HostFunction function, VfioAnswer vfio) {
    Optional<PciAddress> physical = device.physicalFunction();
    return physical.isEmpty()
        ? new LiveFunction(
            FunctionKind.PHYSICAL, device.address(), Optional.of(function.config()), vfio)
        : new LiveFunction(
            FunctionKind.VIRTUAL, physical.get(), config(sysfs, physical.get()), vfio);
  }

  /// The function as VFIO shows it: read from its region where that may be, else what vfio-pci
  /// would make of the bytes that were read.
  public VfioView view(HostFunction function) {
    return switch (vfio) {
      case VfioAnswer.Answered a -> VfioView.read(a.region());
      case VfioAnswer.None _ -> VfioView.of(function.config(), function.id());
    };
  }

  /// The report of IOMMU_GET_HW_INFO on the function, or else [#bound].
  public Optional<HardwareInfo> hardware() {
    return switch (vfio) {
      case VfioAnswer.Answered a -> Optional.of(a.hardware());
      case VfioAnswer.None _ -> bound();
    };
  }

  private static Optional<ConfigSpace> config(Path sysfs, PciAddress address) {
    try {
      return Optional.of(SysfsDevice.of(sysfs, address).function().config());
    } catch (DumpException _) {
      return Optional.empty();
    }
  }

  /// The most that IOMMU_GET_HW_INFO can report of the function; empty where that is not known. The
  /// width is that of the physical capability, execute permission and privileged mode are there
  /// where the host has enabled them.
  public Optional<HardwareInfo> bound() {
    return ownersConfig.map(
        config -> capability().map(at -> bound(config, at)).orElse(HardwareInfo.NONE));
  }

  private static HardwareInfo bound(ConfigSpace config, int capability) {
    int registers = config.u32(capability + PasidCapability.REGISTERS);
    boolean enabled = PasidCapability.isEnabled(registers);
    return new HardwareInfo(
        Math.min(PasidCapability.widthAt(config, capability), HardwareInfo.MAX_WIDTH),
        enabled && PasidCapability.isExecEnabled(registers),
        enabled && PasidCapability.isPrivEnabled(registers),
        true);
  }

  private Optional<Integer> capability() {
    return ownersConfig
        .flatMap(config -> CapabilityChain.walk(config).find(CapabilityId.PASID))
        .map(Capability::offset)
        .filter(at -> at + PasidCapability.LENGTH <= ConfigSpace.EXTENDED_SIZE);
  }

  /// Why [#bound] is what it is, as the end of a sentence.
  public String evidence() {
    String whose =
        kind == FunctionKind.VIRTUAL ? "its physical function " + owner : owner.toString();
    if (ownersConfig.isEmpty()) {
      return whose + " cannot be read";
    }
    return capability()
        .map(at ->
            "the PASID capability of %s has that, PASIDs being %s there; the IOMMU may allow less"
                .formatted(whose, isEnabledAt(at) ? "enabled" : "not enabled"))
        .orElse(whose + " has no PASID capability");
  }

  private boolean isEnabledAt(int capability) {
    return ownersConfig
        .filter(c -> PasidCapability.isEnabled(c.u32(capability + PasidCapability.REGISTERS)))
        .isPresent();
  }
}
