package io.vpasid.guest.vfiouser;

import io.vpasid.vmm.vfio.Irq;
import io.vpasid.vmm.vfio.Region;
import java.nio.ByteBuffer;
import java.util.List;

/// A PCI device that can be served to a vfio-user client.
///
/// One thread at a time calls these methods, in the order of the client's requests; a call that
/// takes long holds up this client, and the sockets that share its thread. What a method refuses
/// the client is told as an errno; what it throws is a bug, is logged and told as EIO.
public interface VfioUserDevice {

  /// The regions, by index; at least [io.vpasid.vmm.vfio.PciIndex#REGIONS] for QEMU to accept the
  /// device. Asked once when the device is served; must not change.
  List<Region> regions();

  /// The interrupt types, by index; at least 3 for QEMU to accept the device. Asked once when the
  /// device is served; must not change.
  List<Irq> irqs();

  /// True if the client may reset it. Asked once when the device is served; must not change.
  boolean isResettable();

  /// Reads a part of a region. QEMU begins with the whole configuration space in one read, so any
  /// length and alignment may come.
  ///
  /// @param region index of a readable region
  /// @param offset of the first byte; all bytes lie within the region
  /// @param destination is to be filled from its position to its limit; little endian, at least one
  ///   byte. Not to be used when the call has returned
  Outcome read(int region, long offset, ByteBuffer destination);

  /// Writes a part of a region.
  ///
  /// @param region index of a writable region
  /// @param offset of the first byte; all bytes lie within the region
  /// @param source what is written, from position to limit; read-only, little endian, at least one
  ///   byte. Not to be used when the call has returned
  Outcome write(int region, long offset, ByteBuffer source);

  /// Resets the device. Called only if it [#isResettable].
  Outcome reset();

  /// The client has set eventfds for interrupts, or taken them back. A device that raises its
  /// interrupts by [VfioUserPeer#trigger] need not care; one whose hardware signals by itself hands
  /// the eventfds on here. They are open during the call, and as long as the client keeps them set.
  ///
  /// @param irq index of their type
  /// @param start number of the first interrupt
  /// @param eventfds a descriptor for each, -1 for none
  /// @return whether the device takes them; the client is told if not
  default Outcome interruptsAssigned(int irq, int start, int... eventfds) {
    return Outcome.done();
  }

  /// The client has masked or unmasked an interrupt.
  default Outcome interruptsMasked(int irq, int vector, boolean masked) {
    return Outcome.done();
  }

  /// The client listens to no interrupt of a type any more, or has gone.
  default Outcome interruptsDisabled(int irq) {
    return Outcome.done();
  }

  /// The client has offered a window of its memory. A device that does DMA through
  /// [VfioUserPeer#readDma] and [VfioUserPeer#writeDma] need not care; one whose hardware reaches
  /// the memory by itself maps it here.
  ///
  /// @return whether the device takes it; the client is told if not
  default Outcome dmaMapped(DmaWindow window) {
    return Outcome.done();
  }

  /// A window is gone when this returns. Also called for all windows when the client goes, before
  /// [#disconnected].
  default void dmaUnmapped(DmaWindow window) {}

  /// A client has agreed on a version.
  default void connected(VfioUserPeer peer) {}

  /// That client has gone, whether it said so or not; the next one comes after this returns.
  default void disconnected() {}
}
