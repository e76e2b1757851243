package io.vpasid.guest.daemon;

import io.vpasid.guest.vfiouser.DmaWindow;
import io.vpasid.guest.vfiouser.Irq;
import io.vpasid.guest.vfiouser.Outcome;
import io.vpasid.guest.vfiouser.Region;
import io.vpasid.guest.vfiouser.VfioUserDevice;
import io.vpasid.guest.vfiouser.VfioUserPeer;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// A device that tells when its client comes and goes, and is otherwise the one behind it.
final class WatchedDevice implements VfioUserDevice {
  private final VfioUserDevice device;
  private final Consumer<VfioUserPeer> came;
  private final Runnable left;
  private final LongAdder clients = new LongAdder();
  private volatile @Nullable VfioUserPeer peer;

  WatchedDevice(VfioUserDevice device, Consumer<VfioUserPeer> came, Runnable left) {
    this.device = device;
    this.came = came;
    this.left = left;
  }

  /// The client that has the device.
  Optional<VfioUserPeer> peer() {
    return Optional.ofNullable(peer);
  }

  /// How many clients have had the device.
  long clients() {
    return clients.sum();
  }

  @Override
  public Outcome dmaMapped(DmaWindow window) {
    return device.dmaMapped(window);
  }

  @Override
  public Outcome interruptsAssigned(int irq, int start, int... eventfds) {
    return device.interruptsAssigned(irq, start, eventfds);
  }

  @Override
  public Outcome interruptsMasked(int irq, int vector, boolean masked) {
    return device.interruptsMasked(irq, vector, masked);
  }

  @Override
  public Outcome interruptsDisabled(int irq) {
    return device.interruptsDisabled(irq);
  }

  @Override
  public void dmaUnmapped(DmaWindow window) {
    device.dmaUnmapped(window);
  }

  @Override
  public void connected(VfioUserPeer client) {
    peer = client;
    clients.increment();
    device.connected(client);
    came.accept(client);
  }

  @Override
  public void disconnected() {
    peer = null;
    device.disconnected();
    left.run();
  }

  @Override
  public List<Region> regions() {
    return device.regions();
  }

  @Override
  public List<Irq> irqs() {
    return device.irqs();
  }

  @Override
  public boolean isResettable() {
    return device.isResettable();
  }

  @Override
  public Outcome read(int region, long offset, ByteBuffer destination) {
    return device.read(region, offset, destination);
  }

  @Override
  public Outcome write(int region, long offset, ByteBuffer source) {
    return device.write(region, offset, source);
  }

  @Override
  public Outcome reset() {
    return device.reset();
  }
}
