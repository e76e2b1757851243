package io.vpasid.guest.device;

import io.vpasid.guest.vfiouser.DmaWindow;
import io.vpasid.guest.vfiouser.Outcome;
import io.vpasid.guest.vfiouser.VfioUserDevice;
import io.vpasid.guest.vfiouser.VfioUserPeer;
import io.vpasid.pci.Header;
import io.vpasid.vmm.PassthroughFunction;
import io.vpasid.vmm.iommufd.IommufdException;
import io.vpasid.vmm.linux.Errno;
import io.vpasid.vmm.pasid.Refused;
import io.vpasid.vmm.vfio.Irq;
import io.vpasid.vmm.vfio.PciIndex;
import io.vpasid.vmm.vfio.Region;
import io.vpasid.vmm.vfio.RegisterAccess;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// A function that a VMM holds, as a device for vfio-user clients: its configuration space is the
/// guest view, with the vPASID in it; everything else is its hardware's.
///
/// A client that goes is a machine that is switched off: its PASIDs are detached, the function is
/// reset, and its registers get what they had before the first client; the next one finds nothing
/// of the one before.
public final class FunctionDevice implements VfioUserDevice {
  private static final Logger LOG = LoggerFactory.getLogger(FunctionDevice.class);

  private final PassthroughFunction function;
  private final RegisterAccess.Read configRead = this::readConfig;
  private final RegisterAccess.Write configWrite = this::writeConfig;
  private final VfioUserDevice hardware;
  private final RegistersAsFound registers;
  private final List<Consumer<Optional<VfioUserPeer>>> clientListeners =
      new CopyOnWriteArrayList<>();
  private volatile @Nullable VfioUserPeer client;

  /// The device of `function`, which no guest has used and which stays its owner's to close,
  /// without BARs and interrupts.
  public FunctionDevice(PassthroughFunction function) {
    this(function, new NoHardware());
  }

  /// The device of `function`, which no guest has used and which stays its owner's to close.
  ///
  /// @param hardware its BARs, interrupts and DMA; never asked for the configuration space. It is
  ///   reset with the function
  public FunctionDevice(PassthroughFunction function, VfioUserDevice hardware) {
    this.function = function;
    this.hardware = hardware;
    registers = RegistersAsFound.of(function);
  }

  /// The client that has the device.
  public Optional<VfioUserPeer> client() {
    return Optional.ofNullable(client);
  }

  /// Tells `listener` of each client from now on, and, with nothing, when it has gone and what it
  /// left is put away; on the thread that calls the device.
  public void listenToClient(Consumer<Optional<VfioUserPeer>> listener) {
    clientListeners.add(listener);
  }

  /// A function that is nothing but its configuration space.
  private static final class NoHardware implements VfioUserDevice {
    @Override
    public List<Region> regions() {
      return Collections.nCopies(PciIndex.REGIONS, Region.NONE);
    }

    @Override
    public List<Irq> irqs() {
      return Collections.nCopies(PciIndex.IRQS, Irq.NONE);
    }

    @Override
    public boolean isResettable() {
      return true;
    }

    @Override
    public Outcome read(int region, long offset, ByteBuffer destination) {
      return nothing(region);
    }

    @Override
    public Outcome write(int region, long offset, ByteBuffer source) {
      return nothing(region);
    }

    private static Outcome nothing(int region) {
      return Outcome.refused(Errno.EINVAL, "There is nothing in region " + region + ".");
    }

    @Override
    public Outcome reset() {
      return Outcome.done();
    }
  }

  @Override
  public List<Region> regions() {
    List<Region> regions = new ArrayList<>(hardware.regions());
    regions.set(
        PciIndex.CONFIG_REGION, new Region(function.configSize(), Region.READ | Region.WRITE));
    return regions;
  }

  @Override
  public List<Irq> irqs() {
    return hardware.irqs();
  }

  @Override
  public boolean isResettable() {
    return hardware.isResettable();
  }

  @Override
  public Outcome read(int region, long offset, ByteBuffer destination) {
    if (region != PciIndex.CONFIG_REGION) {
      return hardware.read(region, offset, destination);
    }
    try {
      RegisterAccess.read(offset, destination, configRead);
      return Outcome.done();
    } catch (IommufdException e) {
      return refused(e);
    }
  }

  @Override
  public Outcome write(int region, long offset, ByteBuffer source) {
    if (region != PciIndex.CONFIG_REGION) {
      return hardware.write(region, offset, source);
    }
    try {
      RegisterAccess.write(offset, source, configWrite);
      return Outcome.done();
    } catch (IommufdException e) {
      return refused(e);
    }
  }

  private static Outcome refused(IommufdException e) {
    return Outcome.refused(e.errno(), String.valueOf(e.getMessage()));
  }

  private int readConfig(long offset, int width) {
    return function.readConfig((int) offset, width);
  }

  private void writeConfig(long offset, int width, int value) {
    function.writeConfig((int) offset, width, value);
  }

  @Override
  public Outcome reset() {
    try {
      function.reset();
    } catch (IommufdException e) {
      return refused(e);
    }
    return hardware.reset();
  }

  @Override
  public Outcome interruptsAssigned(int irq, int start, int... eventfds) {
    return hardware.interruptsAssigned(irq, start, eventfds);
  }

  @Override
  public Outcome interruptsMasked(int irq, int vector, boolean masked) {
    return hardware.interruptsMasked(irq, vector, masked);
  }

  @Override
  public Outcome interruptsDisabled(int irq) {
    return hardware.interruptsDisabled(irq);
  }

  @Override
  public Outcome dmaMapped(DmaWindow window) {
    return hardware.dmaMapped(window);
  }

  @Override
  public void dmaUnmapped(DmaWindow window) {
    hardware.dmaUnmapped(window);
  }

  @Override
  public void connected(VfioUserPeer peer) {
    client = peer;
    hardware.connected(peer);
    clientListeners.forEach(listener -> listener.accept(Optional.of(peer)));
  }

  @Override
  public void disconnected() {
    client = null;
    hardware.disconnected();
    detachAll();
    try {
      // Whatever becomes of the reset: the function stops its DMA.
      function.writeConfig(Header.COMMAND, 2, 0);
      if (reset() instanceof Outcome.Failed(_, String reason)) {
        LOG.warn("The function of a client that has gone is not reset: {}", reason);
        function.resetRegisters();
      }
      registers.putBack(function);
    } catch (IommufdException e) {
      LOG.warn("The registers of a client that has gone stay as they are: {}", e.getMessage());
      function.resetRegisters();
    }
    // Again: a request that was under way may have attached one, until the reset disabled PASIDs.
    detachAll();
    clientListeners.forEach(listener -> listener.accept(Optional.empty()));
  }

  private void detachAll() {
    for (Refused refused : function.attachments().detachAll().refused()) {
      LOG.warn("{}", refused.text());
    }
  }
}
