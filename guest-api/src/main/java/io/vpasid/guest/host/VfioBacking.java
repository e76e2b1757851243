package io.vpasid.guest.host;

import io.vpasid.guest.device.FunctionDevice;
import io.vpasid.pci.dump.HostFunction;
import io.vpasid.vmm.FunctionOptions;
import io.vpasid.vmm.PassthroughFunction;
import io.vpasid.vmm.iommufd.IoasId;
import io.vpasid.vmm.iommufd.IommufdBackend;
import io.vpasid.vmm.iommufd.IommufdException;
import io.vpasid.vmm.iommufd.simulated.SimulatedHost;
import io.vpasid.vmm.linux.Errno;
import io.vpasid.vmm.vfio.DeviceHardware;
import java.util.Optional;

/// A function of this machine, which vfio-pci has.
///
/// @param ioas what the function itself reaches: the memory that the client shares
public record VfioBacking(
    HostFunction captured,
    IommufdBackend iommufd,
    PassthroughFunction function,
    IoasId ioas,
    FunctionDevice device)
    implements Backing {

  /// Binds the function and attaches it to an I/O address space of its own.
  ///
  /// @param iommufd a context of the kernel
  /// @throws IommufdException if the kernel refuses; nothing stays bound then
  public static VfioBacking open(
      IommufdBackend iommufd, HostFunction captured, FunctionOptions options) {
    PassthroughFunction function = PassthroughFunction.open(iommufd, captured.address(), options);
    Optional<IoasId> memory = Optional.empty();
    try {
      DeviceHardware hardware =
          function
              .device()
              .hardware()
              .orElseThrow(() ->
                  new IommufdException(
                      Errno.ENODEV, "bind", captured.address() + " has no regions to offer"));
      IoasId ioas = iommufd.ioasAlloc();
      memory = Optional.of(ioas);
      function.attach(ioas);
      return new VfioBacking(
          captured,
          iommufd,
          function,
          ioas,
          new FunctionDevice(function, new BoundHardware(hardware, iommufd, ioas)));
    } catch (RuntimeException e) {
      function.close();
      memory.ifPresent(id -> Backing.destroy(iommufd, id));
      throw e;
    }
  }

  @Override
  public Optional<IoasId> memory() {
    return Optional.of(ioas);
  }

  @Override
  public boolean isAlone() {
    return false;
  }

  @Override
  public Optional<SimulatedHost> simulated() {
    return Optional.empty();
  }

  @Override
  public void release() {
    Backing.destroy(iommufd, ioas);
  }
}
