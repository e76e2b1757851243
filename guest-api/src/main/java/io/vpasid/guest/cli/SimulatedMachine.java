package io.vpasid.guest.cli;

import io.vpasid.pci.dump.HostFunction;
import io.vpasid.pci.emulation.DeviceConfig;
import io.vpasid.pci.vfio.VfioView;
import io.vpasid.synth.quirk.FunctionKind;
import io.vpasid.vmm.FunctionOptions;
import io.vpasid.vmm.PassthroughFunction;
import io.vpasid.vmm.iommufd.HwptFlag;
import io.vpasid.vmm.iommufd.HwptId;
import io.vpasid.vmm.iommufd.HwptRequest;
import io.vpasid.vmm.iommufd.IommufdBackend;
import io.vpasid.vmm.iommufd.simulated.SimulatedDevice;
import io.vpasid.vmm.iommufd.simulated.SimulatedHost;

/// A simulated machine with one captured function in it, which is passed through.
final class SimulatedMachine implements AutoCloseable {
  private final SimulatedHost host;
  private final IommufdBackend iommufd;
  private final PassthroughFunction function;

  SimulatedMachine(HostFunction captured, SynthesisOptions options, FunctionOptions decisions) {
    SimulatedDevice device =
        SimulatedDevice.at(captured.address())
            .reporting(options.hardware())
            .config(DeviceConfig.readOnly(VfioView.of(captured.config(), captured.id()).config()));
    host =
        SimulatedHost.builder()
            .device(decisions.kind() == FunctionKind.VIRTUAL ? device.virtualFunction() : device)
            .build();
    iommufd = host.open();
    function = PassthroughFunction.open(iommufd, captured.address(), decisions);
  }

  PassthroughFunction function() {
    return function;
  }

  /// A new page table that PASIDs can be attached to, on an address space of its own.
  HwptId newPageTable() {
    return iommufd.hwptAlloc(
        HwptRequest.paging(function.device().id(), iommufd.ioasAlloc()).with(HwptFlag.PASID));
  }

  /// How many PASIDs of the function the simulated kernel still has attached; asks the kernel, not
  /// us.
  int attachedInKernel() {
    return host.attachedPasidCount(function.address());
  }

  /// Whether neither a PASID nor the function itself is attached to anything in the simulated
  /// kernel.
  boolean nothingAttached() {
    return host.nothingAttached(function.address());
  }

  @Override
  public void close() {
    function.close();
    iommufd.close();
  }
}
