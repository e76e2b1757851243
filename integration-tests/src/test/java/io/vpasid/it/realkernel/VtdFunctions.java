package io.vpasid.it.realkernel;

import io.vpasid.guest.config.FunctionDescription;
import io.vpasid.guest.device.FunctionDevice;
import io.vpasid.guest.host.EmulatedHardware;
import io.vpasid.guest.iommu.VirtualIommu;
import io.vpasid.guest.vfiouser.VfioUserDevice;
import io.vpasid.pci.ConfigSpace;
import io.vpasid.pci.PciAddress;
import io.vpasid.pci.dump.HostFunction;
import io.vpasid.synth.HardwareInfo;
import io.vpasid.vmm.FunctionOptions;
import io.vpasid.vmm.PassthroughFunction;
import io.vpasid.vmm.frontend.nested.TranslationMode;
import io.vpasid.vmm.iommufd.simulated.SimulatedHost;
import io.vpasid.vmm.iommufd.simulated.SimulatedIommufd;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// The [MachineFunctions] as functions of a simulated host that are passed through, behind a
/// virtual IOMMU of ours. What the machine's driver attaches, that host attaches.
final class VtdFunctions implements AutoCloseable {
  /// Place of the IOMMU on the root bus.
  static final String UNIT = "03.0";

  private static final HardwareInfo WITH_PASIDS = HardwareInfo.parse("width=20");
  private static final HardwareInfo WITHOUT_PASIDS = HardwareInfo.parse("width=0");

  private final SimulatedHost host = SimulatedHost.builder().build();
  private final SimulatedIommufd iommufd = host.open();
  private final List<VirtualIommu.Covered> covered = new ArrayList<>();
  private final Map<String, VfioUserDevice> functions;
  private final VirtualIommu iommu;

  /// Makes them.
  ///
  /// @param mode how page tables get into the host
  VtdFunctions(TranslationMode.Kind mode) {
    functions =
        new LinkedHashMap<>(
            MachineFunctions.rigged(
                this::function, HostAttachments.registers(host, VtdFunctions::onHost)));
    iommu = VirtualIommu.open(iommufd, covered, Optional.of(mode));
    functions.put(UNIT, iommu.device());
  }

  private VfioUserDevice function(String place, ConfigSpace config) {
    PciAddress address = onHost(placed(place));
    EmulatedHardware hardware =
        EmulatedHardware.of(
            FunctionDescription.of(new HostFunction(address, "accelerator", config)), false);
    host.add(
        hardware.device(
            place.equals(MachineFunctions.WITHOUT_PASIDS) ? WITHOUT_PASIDS : WITH_PASIDS));
    PassthroughFunction function =
        PassthroughFunction.open(iommufd, address, FunctionOptions.defaults());
    FunctionDevice device = new FunctionDevice(function, hardware);
    covered.add(new VirtualIommu.Covered(placed(place), function, device::client));
    return device;
  }

  /// Its address in the machine.
  private static PciAddress placed(String place) {
    return PciAddress.parse("0000:00:" + place).orElseThrow();
  }

  /// The host has the functions on another bus.
  private static PciAddress onHost(PciAddress inMachine) {
    return new PciAddress(0, 0x6a, inMachine.device(), inMachine.function());
  }

  /// All functions by their places, the IOMMU among them.
  Map<String, VfioUserDevice> devices() {
    return functions;
  }

  /// Addresses in the machine of the functions behind the IOMMU.
  List<PciAddress> covered() {
    return covered.stream().map(VirtualIommu.Covered::place).toList();
  }

  @Override
  public void close() {
    iommu.close();
    covered.forEach(each -> each.function().close());
    iommufd.close();
  }
}
