package io.vpasid.vmm.iommufd;

/// One page fault: `struct iommu_hwpt_pgfault`.
///
/// @param flags PASID_VALID 1, LAST_PAGE 2
/// @param device the device whose request it is
/// @param pasid the PASID; means something with PASID_VALID only
/// @param group page request group index
/// @param permissions what the device wants: READ 1, WRITE 2, EXEC 4, PRIV 8
/// @param address the faulting address
/// @param length of the fault in bytes; the kernel writes 0
/// @param cookie names the group in a response
public record PageFault(
    int flags,
    DeviceId device,
    Pasid pasid,
    int group,
    int permissions,
    long address,
    int length,
    int cookie) {
  /// Flag: the PASID is valid.
  public static final int PASID_VALID = 1;

  /// Flag: the last fault of its group.
  public static final int LAST_PAGE = 2;

  /// Permission to read.
  public static final int READ = 1;

  /// Permission to write.
  public static final int WRITE = 2;

  /// Permission to execute.
  public static final int EXEC = 4;

  /// Privileged mode.
  public static final int PRIV = 8;

  /// True if the PASID is valid.
  public boolean hasPasid() {
    return (flags & PASID_VALID) != 0;
  }

  /// True if it is the last of its group.
  public boolean isLast() {
    return (flags & LAST_PAGE) != 0;
  }
}
