package io.vpasid.vmm.vfio;

/// One of a device's interrupt types (VFIO_DEVICE_GET_IRQ_INFO). Its index is its place among the
/// device's interrupt types.
///
/// @param count number of interrupts of this type, 0 to 2048; 0 for a type that the device does not
///   have
/// @param flags [#EVENTFD], [#MASKABLE], [#AUTOMASKED], [#NORESIZE]
public record Irq(int count, int flags) {
  /// It can be signalled through eventfds (`VFIO_IRQ_INFO_EVENTFD`). A vfio-user client is told so
  /// only where descriptors pass.
  public static final int EVENTFD = 1;

  /// It can be masked and unmasked (`VFIO_IRQ_INFO_MASKABLE`).
  public static final int MASKABLE = 1 << 1;

  /// It is masked when it is signalled, until it is unmasked (`VFIO_IRQ_INFO_AUTOMASKED`).
  public static final int AUTOMASKED = 1 << 2;

  /// Interrupts of this type are set up together (`VFIO_IRQ_INFO_NORESIZE`).
  public static final int NORESIZE = 1 << 3;

  /// Most interrupts of one type: MSI-X has no more vectors.
  public static final int MAX_COUNT = 2048;

  /// An interrupt type that the device does not have.
  public static final Irq NONE = new Irq(0, 0);

  /// All of them.
  public static final int FLAGS = EVENTFD | MASKABLE | AUTOMASKED | NORESIZE;

  /// @throws IllegalArgumentException if there are too many, or a flag has no meaning
  public Irq {
    if (count < 0 || count > MAX_COUNT || (flags & ~FLAGS) != 0) {
      throw new IllegalArgumentException(
          count + " interrupts with flags " + Integer.toHexString(flags) + " cannot be.");
    }
  }

  /// True if it can be masked and unmasked.
  public boolean isMaskable() {
    return (flags & MASKABLE) != 0;
  }

  /// True if it is masked when it is signalled.
  public boolean isAutomasked() {
    return (flags & AUTOMASKED) != 0;
  }
}
