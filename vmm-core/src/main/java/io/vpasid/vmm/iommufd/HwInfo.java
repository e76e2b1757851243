package io.vpasid.vmm.iommufd;

import io.vpasid.synth.HardwareInfo;

/// Answer to IOMMU_GET_HW_INFO for a device.
///
/// @param maxPasidLog2 `out_max_pasid_log2`, 0 to 255: bits of a PASID; 0 means that PASIDs must
///   not be used, and that EXEC and PRIV mean nothing
/// @param capabilities `out_capabilities`, the bits below; 64 bits, unknown ones kept
/// @param data the IOMMU's own registers
public record HwInfo(int maxPasidLog2, long capabilities, HwInfoData data) {
  /// IOMMU_HW_CAP_DIRTY_TRACKING: page tables can track dirty pages.
  public static final long DIRTY_TRACKING = 1;

  /// IOMMU_HW_CAP_PCI_PASID_EXEC: execute permission is enabled at the device.
  public static final long PASID_EXEC = 2;

  /// IOMMU_HW_CAP_PCI_PASID_PRIV: privileged mode is enabled at the device.
  public static final long PASID_PRIV = 4;

  /// IOMMU_HW_CAP_PCI_ATS_NOT_SUPPORTED: no virtual ATS capability may be shown.
  public static final long ATS_NOT_SUPPORTED = 8;

  /// True if all these capability bits are set.
  public boolean has(long bits) {
    return (capabilities & bits) == bits;
  }

  /// The part that the synthesis of a vPASID needs.
  public HardwareInfo hardwareInfo() {
    return new HardwareInfo(
        maxPasidLog2, has(PASID_EXEC), has(PASID_PRIV), !has(ATS_NOT_SUPPORTED));
  }
}
