package io.vpasid.vmm.iommufd.simulated;

import io.vpasid.pci.ConfigSpace;
import io.vpasid.pci.PciAddress;
import io.vpasid.pci.capability.CapabilityChain;
import io.vpasid.pci.capability.CapabilityId;
import io.vpasid.pci.dump.HostFunction;
import io.vpasid.pci.emulation.DeviceConfig;
import io.vpasid.pci.emulation.EmulatedRegisters;
import io.vpasid.pci.emulation.GuestConfigSpace;
import io.vpasid.pci.vfio.VfioView;
import io.vpasid.synth.HardwareInfo;
import io.vpasid.synth.PasidCapability;
import io.vpasid.vmm.linux.Errno;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// Describes a function of a simulated host; immutable, each method gives another description.
///
/// ```java
/// SimulatedDevice.at(address).pasidWidth(20).priv(true).group(7)
/// ```
public final class SimulatedDevice {
  /// No PASID capability at all.
  static final int NO_PASID = -1;

  /// A group of its own.
  static final int OWN_GROUP = -1;

  /// The value that a virtual function's Vendor ID register reads as.
  private static final int NO_VENDOR = 0xffff;

  // Of the PASID Capability register (PCI Express Base Specification 7.0, section 7.8.9.2)
  private static final int EXEC_SUPPORTED = 1 << 1;
  private static final int PRIV_SUPPORTED = 1 << 2;

  /// Driver of the function on the host.
  public enum Driver {
    /// `vfio-pci`.
    VFIO_PCI,
    /// A variant driver or an emulated (mediated) device: no PASIDs.
    WITHOUT_PASIDS
  }

  private final PciAddress address;
  private int group = OWN_GROUP;
  private int pasidWidth = NO_PASID;
  private boolean exec;
  private boolean priv;
  private boolean ats = true;
  private boolean pageRequests = true;
  private boolean virtualFunction;
  private boolean dirtyTracking = true;
  private boolean resettable = true;
  private Driver driver = Driver.VFIO_PCI;
  private @Nullable IommuProfile iommu;
  private @Nullable Errno bindError;
  private Runnable onReset = () -> {};
  private DeviceConfig config =
      DeviceConfig.readOnly(ConfigSpace.of(new byte[ConfigSpace.EXTENDED_SIZE]));

  private SimulatedDevice(PciAddress address) {
    this.address = address;
  }

  private SimulatedDevice(SimulatedDevice from, PciAddress address) {
    this(address);
    group = from.group;
    pasidWidth = from.pasidWidth;
    exec = from.exec;
    priv = from.priv;
    ats = from.ats;
    pageRequests = from.pageRequests;
    virtualFunction = from.virtualFunction;
    dirtyTracking = from.dirtyTracking;
    resettable = from.resettable;
    driver = from.driver;
    iommu = from.iommu;
    bindError = from.bindError;
    onReset = from.onReset;
    config = from.config;
  }

  /// A physical function in a group of its own, without PASIDs, with ATS and page requests, that
  /// can be reset; its configuration space is all zeros.
  public static SimulatedDevice at(PciAddress address) {
    return new SimulatedDevice(address);
  }

  /// A captured function, as vfio-pci shows it on a host: what its capture says of the IOMMU is
  /// that it has the PASIDs of the function's own capability, if there is one ([#reporting] says
  /// otherwise), and ATS if the function has.
  ///
  /// Its registers can be written as a real function's can, and start as after power-on; BARs it
  /// has none. What has a vendor id of 0xffff is an SR-IOV virtual function.
  public static SimulatedDevice ofCapture(HostFunction captured) {
    ConfigSpace raw = captured.config();
    ConfigSpace shown = VfioView.of(raw, captured.id()).config();
    boolean isVirtual = raw.id().vendor() == NO_VENDOR;
    GuestConfigSpace registers =
        (isVirtual
                ? EmulatedRegisters.ofVirtualFunction(shown, List.of())
                : EmulatedRegisters.ofFunction(shown, List.of()))
            .applyTo(GuestConfigSpace.over(DeviceConfig.readOnly(shown)))
            .build();
    CapabilityChain capabilities = CapabilityChain.walk(raw);
    SimulatedDevice device =
        at(captured.address())
            .ats(capabilities.find(CapabilityId.ATS).isPresent())
            .config(registers)
            .onReset(registers::reset);
    device.virtualFunction = isVirtual;
    capabilities
        .find(CapabilityId.PASID)
        .ifPresent(own -> {
          int supported = raw.u16(own.offset() + PasidCapability.REGISTERS);
          int width = PasidCapability.widthAt(raw, own.offset());
          device.pasidWidth = Math.min(width, HardwareInfo.MAX_WIDTH);
          device.exec = (supported & EXEC_SUPPORTED) != 0;
          device.priv = (supported & PRIV_SUPPORTED) != 0;
        });
    return device;
  }

  /// At another address.
  public SimulatedDevice movedTo(PciAddress other) {
    return new SimulatedDevice(this, other);
  }

  /// In an IOMMU group with every other function of that number.
  ///
  /// @param number 0 or more
  /// @throws IllegalArgumentException if it is negative
  public SimulatedDevice group(int number) {
    if (number < 0) {
      throw new IllegalArgumentException(
          "An IOMMU group has a number of at least 0, not " + number);
    }
    return with(other -> other.group = number);
  }

  /// With a PASID capability of this width (a virtual function: its physical function has it).
  ///
  /// @param bits 0 to 30
  /// @throws IllegalArgumentException if it is another number
  public SimulatedDevice pasidWidth(int bits) {
    if (bits < 0 || bits > 30) {
      throw new IllegalArgumentException("A PASID capability has 0 to 30 bits here, not " + bits);
    }
    return with(other -> other.pasidWidth = bits);
  }

  /// Without a PASID capability.
  public SimulatedDevice withoutPasid() {
    return with(other -> other.pasidWidth = NO_PASID);
  }

  /// With execute permission enabled or not.
  public SimulatedDevice exec(boolean enabled) {
    return with(other -> other.exec = enabled);
  }

  /// With privileged mode enabled or not.
  public SimulatedDevice priv(boolean enabled) {
    return with(other -> other.priv = enabled);
  }

  /// With ATS or not; a function without it goes on translating while it is reset.
  public SimulatedDevice ats(boolean supported) {
    return with(other -> other.ats = supported);
  }

  /// With page requests (PRI) or not; of a virtual function, those of its physical function.
  public SimulatedDevice pageRequests(boolean supported) {
    return with(other -> other.pageRequests = supported);
  }

  /// A virtual function.
  public SimulatedDevice virtualFunction() {
    return with(other -> other.virtualFunction = true);
  }

  /// Without dirty tracking, though the IOMMU has it.
  public SimulatedDevice withoutDirtyTracking() {
    return with(other -> other.dirtyTracking = false);
  }

  /// Without any way to reset it.
  public SimulatedDevice withoutReset() {
    return with(other -> other.resettable = false);
  }

  /// With another driver than vfio-pci.
  public SimulatedDevice driver(Driver boundTo) {
    return with(other -> other.driver = boundTo);
  }

  /// Behind another IOMMU than the host's other functions.
  public SimulatedDevice behind(IommuProfile own) {
    return with(other -> other.iommu = own);
  }

  /// Which cannot be bound: EPERM where MSIs are not isolated, ENODEV without an IOMMU group,
  /// EACCES where a VF token is needed, and so on.
  public SimulatedDevice refusesToBind(Errno errno) {
    return with(other -> other.bindError = errno);
  }

  /// With these registers in region 7.
  public SimulatedDevice config(DeviceConfig registers) {
    return with(other -> other.config = registers);
  }

  /// Whose registers do this when VFIO resets it, on the thread that asked for the reset.
  public SimulatedDevice onReset(Runnable action) {
    return with(other -> other.onReset = action);
  }

  /// So that GET_HW_INFO says this, as far as the IOMMU allows the width.
  public SimulatedDevice reporting(HardwareInfo info) {
    SimulatedDevice other =
        info.maxPasidLog2() == 0 ? withoutPasid() : pasidWidth(info.maxPasidLog2());
    return other.exec(info.exec()).priv(info.priv()).ats(info.ats());
  }

  private SimulatedDevice with(Consumer<SimulatedDevice> change) {
    SimulatedDevice other = movedTo(address);
    change.accept(other);
    return other;
  }

  /// The address where the function sits.
  public PciAddress address() {
    return address;
  }

  int group() {
    return group;
  }

  int pasidWidth() {
    return pasidWidth;
  }

  boolean exec() {
    return exec;
  }

  boolean priv() {
    return priv;
  }

  boolean ats() {
    return ats;
  }

  boolean pageRequests() {
    return pageRequests;
  }

  boolean isVirtualFunction() {
    return virtualFunction;
  }

  boolean dirtyTracking() {
    return dirtyTracking;
  }

  boolean resettable() {
    return resettable;
  }

  Driver driver() {
    return driver;
  }

  Optional<IommuProfile> iommu() {
    return Optional.ofNullable(iommu);
  }

  Optional<Errno> bindError() {
    return Optional.ofNullable(bindError);
  }

  Runnable onReset() {
    return onReset;
  }

  DeviceConfig config() {
    return config;
  }
}
