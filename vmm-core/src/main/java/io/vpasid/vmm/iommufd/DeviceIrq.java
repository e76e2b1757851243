package io.vpasid.vmm.iommufd;

/// What VFIO says of one of a function's interrupt types (VFIO_DEVICE_GET_IRQ_INFO).
///
/// @param count how many interrupts of this type there are
/// @param flags VFIO_IRQ_INFO_EVENTFD (bit 0), MASKABLE (1), AUTOMASKED (2), NORESIZE (3)
public record DeviceIrq(int count, int flags) {
  /// A type that the function does not have.
  public static final DeviceIrq NONE = new DeviceIrq(0, 0);
}
