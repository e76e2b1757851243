package io.vpasid.vmm.iommufd;

/// Rights of DMA to mapped memory.
///
/// @param readable IOMMU_IOAS_MAP_READABLE
/// @param writeable IOMMU_IOAS_MAP_WRITEABLE
public record IovaAccess(boolean readable, boolean writeable) {
  /// DMA may read and write.
  public static final IovaAccess READ_WRITE = new IovaAccess(true, true);

  /// DMA may read.
  public static final IovaAccess READ_ONLY = new IovaAccess(true, false);
}
