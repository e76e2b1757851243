package io.vpasid.guest.daemon;

import io.vpasid.guest.function.EmulatedHardware;
import io.vpasid.guest.function.FunctionDescription;
import io.vpasid.guest.vfiouser.FunctionDevice;
import io.vpasid.guest.vfiouser.VfioUserDevice;
import io.vpasid.pci.dump.HostFunction;
import io.vpasid.synth.quirk.FunctionKind;
import io.vpasid.synth.quirk.QuirkTable;
import io.vpasid.vmm.PassthroughFunction;
import io.vpasid.vmm.iommufd.IoasId;
import io.vpasid.vmm.iommufd.IommufdBackend;
import io.vpasid.vmm.iommufd.simulated.SimulatedDevice;
import io.vpasid.vmm.iommufd.simulated.SimulatedHost;
import java.util.Optional;

/// An emulated function on a simulated host.
record EmulatedBacking(
    SimulatedHost host,
    HostFunction captured,
    IommufdBackend iommufd,
    PassthroughFunction function,
    VfioUserDevice device)
    implements Backing {

  /// Puts a function into `host` and binds it.
  ///
  /// @param iommufd a context of the host
  /// @throws io.vpasid.vmm.iommufd.IommufdException if it cannot be bound; it is not there then
  static EmulatedBacking open(
      SimulatedHost host,
      IommufdBackend iommufd,
      FunctionConfig wanted,
      FunctionDescription described,
      QuirkTable quirks) {
    HostFunction captured = described.captured();
    boolean isVirtual = wanted.kindOf(captured) == FunctionKind.VIRTUAL;
    EmulatedHardware hardware = EmulatedHardware.of(described, isVirtual);
    SimulatedDevice device =
        SimulatedDevice.at(described.address())
            .reporting(wanted.hardware())
            .config(hardware.config());
    host.add(isVirtual ? device.virtualFunction() : device);
    try {
      PassthroughFunction function =
          PassthroughFunction.open(iommufd, captured.address(), wanted.options(captured, quirks));
      return new EmulatedBacking(
          host, captured, iommufd, function, new FunctionDevice(function, hardware));
    } catch (RuntimeException e) {
      host.remove(described.address());
      throw e;
    }
  }

  @Override
  public Optional<IoasId> memory() {
    return Optional.empty();
  }

  @Override
  public void release() {
    host.remove(captured.address());
  }
}
