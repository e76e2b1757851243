package io.vpasid.guest.host;

import io.vpasid.guest.vfiouser.DmaWindow;
import io.vpasid.guest.vfiouser.Outcome;
import io.vpasid.guest.vfiouser.VfioUserDevice;
import io.vpasid.vmm.iommufd.IoasId;
import io.vpasid.vmm.iommufd.IommufdBackend;
import io.vpasid.vmm.iommufd.IommufdException;
import io.vpasid.vmm.iommufd.IovaAccess;
import io.vpasid.vmm.linux.Errno;
import io.vpasid.vmm.vfio.DeviceHardware;
import io.vpasid.vmm.vfio.Irq;
import io.vpasid.vmm.vfio.PciIndex;
import io.vpasid.vmm.vfio.Region;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/// The hardware of a real function that VFIO offers: accesses to its regions are passed on, its
/// interrupts go straight to the client's eventfds, and its DMA reaches the memory that the client
/// shares.
///
/// Memory that a client does not share as a file cannot be reached by hardware, so such windows are
/// refused, and with them a client that cannot share any.
final class BoundHardware implements VfioUserDevice {
  private final DeviceHardware hardware;
  private final IommufdBackend iommufd;
  private final IoasId ioas;

  /// The hardware of a bound function.
  ///
  /// @param iommufd the context that it is bound to
  /// @param ioas the address space through which the function itself does DMA
  BoundHardware(DeviceHardware hardware, IommufdBackend iommufd, IoasId ioas) {
    this.hardware = hardware;
    this.iommufd = iommufd;
    this.ioas = ioas;
  }

  @Override
  public List<Region> regions() {
    List<Region> regions = new ArrayList<>(hardware.regions());
    regions.set(PciIndex.VGA_REGION, Region.NONE);
    return regions;
  }

  @Override
  public List<Irq> irqs() {
    return hardware.irqs();
  }

  @Override
  public boolean isResettable() {
    return true;
  }

  private static Outcome outcome(Runnable call) {
    try {
      call.run();
      return Outcome.done();
    } catch (IommufdException e) {
      return Outcome.refused(e.errno(), String.valueOf(e.getMessage()));
    }
  }

  @Override
  public Outcome read(int region, long offset, ByteBuffer destination) {
    return outcome(() -> hardware.read(region, offset, destination));
  }

  @Override
  public Outcome write(int region, long offset, ByteBuffer source) {
    return outcome(() -> hardware.write(region, offset, source));
  }

  /// The function is reset by its owner, in front of this.
  @Override
  public Outcome reset() {
    return Outcome.done();
  }

  @Override
  public Outcome interruptsAssigned(int irq, int start, int... eventfds) {
    return outcome(() -> {
      // The last ones first: VFIO makes room for as many interrupts as the first request needs.
      int rest = eventfds.length;
      while (rest > 0) {
        int from = (rest - 1) / DeviceHardware.MAX_EVENTFDS * DeviceHardware.MAX_EVENTFDS;
        hardware.signalThrough(irq, start + from, Arrays.copyOfRange(eventfds, from, rest));
        rest = from;
      }
    });
  }

  @Override
  public Outcome interruptsMasked(int irq, int vector, boolean masked) {
    return outcome(() -> hardware.mask(irq, vector, 1, masked));
  }

  @Override
  public Outcome interruptsDisabled(int irq) {
    return outcome(() -> hardware.disable(irq));
  }

  @Override
  public Outcome dmaMapped(DmaWindow window) {
    Optional<MemorySegment> memory;
    try {
      memory = window.memory();
    } catch (IOException e) {
      return Outcome.refused(Errno.EIO, String.valueOf(e.getMessage()));
    }
    if (memory.isEmpty()) {
      return Outcome.refused(
          Errno.EOPNOTSUPP, "The window is not shared as a file, so hardware cannot reach it.");
    }
    IovaAccess access = new IovaAccess(window.isReadable(), window.isWritable());
    return outcome(() -> iommufd.mapAt(ioas, window.address(), memory.get(), access));
  }

  @Override
  public void dmaUnmapped(DmaWindow window) {
    iommufd.unmap(ioas, window.address(), window.size());
  }
}
