package io.vpasid.guest.host;

import io.vpasid.guest.config.FunctionDescription;
import io.vpasid.synth.HardwareInfo;
import io.vpasid.synth.quirk.FunctionKind;
import io.vpasid.vmm.FunctionOptions;
import io.vpasid.vmm.PassthroughFunction;
import io.vpasid.vmm.iommufd.HwptId;
import io.vpasid.vmm.iommufd.IommufdBackend;
import io.vpasid.vmm.iommufd.simulated.SimulatedHost;

/// A simulated machine with one emulated function in it, which is passed through.
public final class SimulatedMachine implements AutoCloseable {
  private final SimulatedHost host;
  private final IommufdBackend iommufd;
  private final PassthroughFunction function;
  private final EmulatedHardware hardware;

  /// @param reported what the host's IOMMU reports for the function
  public SimulatedMachine(
      FunctionDescription described, HardwareInfo reported, FunctionOptions decisions) {
    hardware = EmulatedHardware.of(described, decisions.kind() == FunctionKind.VIRTUAL);
    host = SimulatedHost.builder().device(hardware.device(reported)).build();
    iommufd = host.open();
    function = PassthroughFunction.open(iommufd, described.address(), decisions);
  }

  public PassthroughFunction function() {
    return function;
  }

  /// The function as the host has it.
  public EmulatedHardware hardware() {
    return hardware;
  }

  /// A new page table that PASIDs can be attached to, on an address space of its own.
  public HwptId newPageTable() {
    return function.newPageTable(iommufd.ioasAlloc());
  }

  /// How many PASIDs of the function the simulated kernel still has attached; asks the kernel, not
  /// us.
  public int attachedInKernel() {
    return host.attachedPasidCount(function.address());
  }

  /// Whether neither a PASID nor the function itself is attached to anything in the simulated
  /// kernel.
  public boolean nothingAttached() {
    return host.nothingAttached(function.address());
  }

  @Override
  public void close() {
    function.close();
    iommufd.close();
  }
}
