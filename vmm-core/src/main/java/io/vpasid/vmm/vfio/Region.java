package io.vpasid.vmm.vfio;

/// One of a device's regions (VFIO_DEVICE_GET_REGION_INFO). Its index is its place among the
/// device's regions.
///
/// @param size in bytes, 0 for a region that the device does not have
/// @param flags [#READ] and [#WRITE]
public record Region(long size, int flags) {
  /// It can be read (`VFIO_REGION_INFO_FLAG_READ`).
  public static final int READ = 1;

  /// It can be written (`VFIO_REGION_INFO_FLAG_WRITE`).
  public static final int WRITE = 1 << 1;

  /// A region that the device does not have.
  public static final Region NONE = new Region(0, 0);

  /// @throws IllegalArgumentException if the size is negative, or a flag has no meaning here: a
  ///   region is not mapped (`MMAP`, bit 2), neither here nor by a vfio-user client
  public Region {
    if (size < 0 || (flags & ~(READ | WRITE)) != 0) {
      throw new IllegalArgumentException(
          "A region of %s bytes with flags %s cannot be."
              .formatted(size, Integer.toHexString(flags)));
    }
  }
}
