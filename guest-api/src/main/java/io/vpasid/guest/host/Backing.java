package io.vpasid.guest.host;

import io.vpasid.guest.device.FunctionDevice;
import io.vpasid.pci.dump.HostFunction;
import io.vpasid.vmm.PassthroughFunction;
import io.vpasid.vmm.iommufd.IoasId;
import io.vpasid.vmm.iommufd.IommufdBackend;
import io.vpasid.vmm.iommufd.IommufdException;
import io.vpasid.vmm.iommufd.ObjectId;
import io.vpasid.vmm.iommufd.simulated.SimulatedHost;
import java.util.Optional;
import org.slf4j.LoggerFactory;

/// The host behind a served function, and the function as that host has it.
public sealed interface Backing extends AutoCloseable permits EmulatedBacking, VfioBacking {

  /// The function as its source shows it.
  HostFunction captured();

  /// The context that it is bound to.
  IommufdBackend iommufd();

  /// True if the context is there for this function alone, and ends with it.
  boolean isAlone();

  /// The simulated host that has it; empty if the host is a real one.
  Optional<SimulatedHost> simulated();

  /// The I/O address space of the function itself, where its client's memory is mapped; empty if it
  /// reaches nothing.
  Optional<IoasId> memory();

  /// The function with its vPASID.
  PassthroughFunction function();

  /// The device that a vfio-user client gets: the guest view, and the hardware behind it.
  FunctionDevice device();

  /// Takes away what the host has of the function. The function is closed before, and its page
  /// tables with it.
  void release();

  /// Closes the function, and takes away what the host has of it.
  @Override
  default void close() {
    function().close();
    release();
  }

  /// Destroys what nothing uses any more. What the kernel keeps all the same is logged, so that
  /// nothing stops the end of the rest; it goes with the context.
  static void destroy(IommufdBackend iommufd, ObjectId id) {
    try {
      iommufd.destroy(id);
    } catch (IommufdException e) {
      LoggerFactory.getLogger(Backing.class).warn("{} stays: {}", id, e.getMessage());
    }
  }
}
