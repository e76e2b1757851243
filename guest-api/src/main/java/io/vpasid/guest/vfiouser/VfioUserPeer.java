package io.vpasid.guest.vfiouser;

/// The client that a device is connected to, from the device's side. May be used by any thread;
/// after the client has gone nothing happens any more.
public interface VfioUserPeer {

  /// Signals an interrupt.
  ///
  /// @param irq index of its type, such as [PciIndex#MSIX_IRQ]
  /// @param vector which one of that type, from 0
  /// @return whether the client was told: false if it has set up no eventfd for this one (or
  ///   cannot, because descriptors do not pass), or has masked it; a masked one is told when it is
  ///   unmasked
  boolean trigger(int irq, int vector);

  /// User id of the client's process, -1 if it could not be found out.
  int userId();

  /// Process id of the client, -1 if it could not be found out.
  int processId();
}
