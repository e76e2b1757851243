package io.vpasid.guest.vfiouser;

/// One of a device's regions, as a client sees it. Its index is its place among the device's
/// regions.
///
/// @param size in bytes, 0 for a region that the device does not have
/// @param flags [#READ] and [#WRITE]
public record Region(long size, int flags) {
  /// The client may read it (`VFIO_REGION_INFO_FLAG_READ`).
  public static final int READ = 1;

  /// The client may write it (`VFIO_REGION_INFO_FLAG_WRITE`).
  public static final int WRITE = 1 << 1;

  /// A region that the device does not have.
  public static final Region NONE = new Region(0, 0);

  /// @throws IllegalArgumentException if the size is negative, or a flag has no meaning here: a
  ///   region cannot be mapped (`MMAP`, bit 2), because no descriptor goes with its description
  public Region {
    if (size < 0 || (flags & ~(READ | WRITE)) != 0) {
      throw new IllegalArgumentException(
          "A region of "
              + size
              + " bytes with flags "
              + Integer.toHexString(flags)
              + " cannot be.");
    }
  }

  boolean isReadable() {
    return (flags & READ) != 0;
  }

  boolean isWritable() {
    return (flags & WRITE) != 0;
  }
}
