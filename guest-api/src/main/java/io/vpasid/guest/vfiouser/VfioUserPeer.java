package io.vpasid.guest.vfiouser;

import java.nio.ByteBuffer;
import java.util.concurrent.CompletableFuture;

/// The client that a device is connected to, from the device's side. May be used by any thread;
/// after the client has gone nothing happens any more.
public interface VfioUserPeer {

  /// Signals an interrupt.
  ///
  /// @param irq index of its type, such as [io.vpasid.vmm.vfio.PciIndex#MSIX_IRQ]
  /// @param vector which one of that type, from 0
  /// @return whether the client was told: false if it has set up no eventfd for this one (or
  ///   cannot, because descriptors do not pass), or has masked it; a masked one is told when it is
  ///   unmasked
  boolean trigger(int irq, int vector);

  /// Reads the client's memory: at once where the client shares it, else by asking the client.
  /// Never blocks, and may be called from within a call to the device; an access that waits for the
  /// client takes as long as the client does.
  ///
  /// @param address of the first byte, as the client mapped it
  /// @param destination is filled from position to limit; not to be touched until the outcome is
  ///   there
  /// @return done; or refused with EFAULT where nothing is mapped, EPERM where reading is not
  ///   permitted, EAGAIN if too many accesses wait for the client, ENOTCONN if it has gone, EIO if
  ///   its memory is not as it said, or what the client says; some bytes may have been read then
  CompletableFuture<Outcome> readDma(long address, ByteBuffer destination);

  /// Writes the client's memory, as [#readDma] reads it.
  ///
  /// @param address of the first byte, as the client mapped it
  /// @param source what is written, from position to limit; not to be touched until the outcome is
  ///   there
  CompletableFuture<Outcome> writeDma(long address, ByteBuffer source);

  /// Writes a message-signalled interrupt that the device makes itself, such as the event of an
  /// IOMMU: its address is no memory, so that no window has it, and the client is asked. Where a
  /// window does have it this is [#writeDma].
  ///
  /// @param address of the message, a multiple of 4
  /// @param data what is written there, 32 bits, little endian
  CompletableFuture<Outcome> writeMessage(long address, int data);

  /// User id of the client's process, -1 if it could not be found out.
  int userId();

  /// Process id of the client, -1 if it could not be found out.
  int processId();
}
