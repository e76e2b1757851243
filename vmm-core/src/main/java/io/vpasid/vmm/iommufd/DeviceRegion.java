package io.vpasid.vmm.iommufd;

/// What VFIO says of one of a function's regions (VFIO_DEVICE_GET_REGION_INFO).
///
/// @param size in bytes, 0 for a region that the function does not have
/// @param readable whether it can be read
/// @param writable whether it can be written
public record DeviceRegion(long size, boolean readable, boolean writable) {
  /// A region that the function does not have.
  public static final DeviceRegion NONE = new DeviceRegion(0, false, false);
}
