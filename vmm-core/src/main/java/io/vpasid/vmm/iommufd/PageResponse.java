package io.vpasid.vmm.iommufd;

/// The answer to a group of page faults: `struct iommu_hwpt_page_response`.
///
/// @param cookie the group's, from [PageFault#cookie]
/// @param code [#SUCCESS] or [#INVALID]
public record PageResponse(int cookie, int code) {
  /// The pages are there now; the device tries again.
  public static final int SUCCESS = 0;

  /// The pages are unavailable; the device gives up.
  public static final int INVALID = 1;
}
