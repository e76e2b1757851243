package io.vpasid.guest.host;

import io.vpasid.guest.config.FunctionConfig;
import io.vpasid.guest.config.FunctionDescription;
import io.vpasid.guest.config.OwnHost;
import io.vpasid.guest.device.FunctionDevice;
import io.vpasid.pci.dump.HostFunction;
import io.vpasid.synth.quirk.FunctionKind;
import io.vpasid.synth.quirk.QuirkTable;
import io.vpasid.vmm.PassthroughFunction;
import io.vpasid.vmm.iommufd.IoasId;
import io.vpasid.vmm.iommufd.IommufdBackend;
import io.vpasid.vmm.iommufd.simulated.SimulatedHost;
import java.util.Optional;

/// An emulated function on a simulated host.
///
/// @param isAlone whether host and context are there for it alone
public record EmulatedBacking(
    SimulatedHost host,
    boolean isAlone,
    HostFunction captured,
    IommufdBackend iommufd,
    PassthroughFunction function,
    FunctionDevice device)
    implements Backing {

  /// Binds a function on a simulated host that it has for itself.
  ///
  /// @param pages what the memory of its BARs is taken from
  /// @throws io.vpasid.vmm.iommufd.IommufdException if it cannot be bound
  public static EmulatedBacking alone(
      OwnHost kind,
      FunctionConfig wanted,
      FunctionDescription described,
      QuirkTable quirks,
      BarPages pages) {
    SimulatedHost host = kind.build();
    IommufdBackend iommufd = host.open();
    try {
      return open(host, true, iommufd, wanted, described, quirks, pages);
    } catch (RuntimeException e) {
      iommufd.close();
      throw e;
    }
  }

  /// Puts a function into a `host` that has others too, and binds it.
  ///
  /// @param iommufd a context of the host
  /// @param pages what the memory of its BARs is taken from
  /// @throws io.vpasid.vmm.iommufd.IommufdException if it cannot be bound; it is not there then
  public static EmulatedBacking open(
      SimulatedHost host,
      IommufdBackend iommufd,
      FunctionConfig wanted,
      FunctionDescription described,
      QuirkTable quirks,
      BarPages pages) {
    return open(host, false, iommufd, wanted, described, quirks, pages);
  }

  private static EmulatedBacking open(
      SimulatedHost host,
      boolean isAlone,
      IommufdBackend iommufd,
      FunctionConfig wanted,
      FunctionDescription described,
      QuirkTable quirks,
      BarPages pages) {
    HostFunction captured = described.captured();
    EmulatedHardware hardware =
        EmulatedHardware.of(described, wanted.kindOf(captured) == FunctionKind.VIRTUAL, pages);
    host.add(hardware.device(wanted.hardware()));
    try {
      PassthroughFunction function =
          PassthroughFunction.open(iommufd, captured.address(), wanted.options(captured, quirks));
      return new EmulatedBacking(
          host, isAlone, captured, iommufd, function, new FunctionDevice(function, hardware));
    } catch (RuntimeException e) {
      host.remove(described.address());
      throw e;
    }
  }

  @Override
  public Optional<SimulatedHost> simulated() {
    return Optional.of(host);
  }

  @Override
  public Optional<IoasId> memory() {
    return Optional.empty();
  }

  @Override
  public void release() {
    host.remove(captured.address());
    if (isAlone) {
      iommufd.close();
    }
  }
}
