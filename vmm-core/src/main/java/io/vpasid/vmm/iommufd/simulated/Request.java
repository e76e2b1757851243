package io.vpasid.vmm.iommufd.simulated;

import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Stream;

/// A request to the simulated kernel, as failures are planned for it.
public enum Request {
  /// VFIO_DEVICE_BIND_IOMMUFD.
  BIND("VFIO_DEVICE_BIND_IOMMUFD"),
  /// VFIO_DEVICE_ATTACH_IOMMUFD_PT.
  ATTACH("VFIO_DEVICE_ATTACH_IOMMUFD_PT"),
  /// VFIO_DEVICE_DETACH_IOMMUFD_PT.
  DETACH("VFIO_DEVICE_DETACH_IOMMUFD_PT"),
  /// VFIO_DEVICE_ATTACH_IOMMUFD_PT with VFIO_DEVICE_ATTACH_PASID.
  ATTACH_PASID("VFIO_DEVICE_ATTACH_IOMMUFD_PT"),
  /// VFIO_DEVICE_DETACH_IOMMUFD_PT with VFIO_DEVICE_DETACH_PASID.
  DETACH_PASID("VFIO_DEVICE_DETACH_IOMMUFD_PT"),
  /// VFIO_DEVICE_GET_INFO.
  DEVICE_INFO("VFIO_DEVICE_GET_INFO"),
  /// VFIO_DEVICE_RESET.
  RESET("VFIO_DEVICE_RESET"),
  /// IOMMU_GET_HW_INFO.
  HW_INFO("IOMMU_GET_HW_INFO"),
  /// IOMMU_IOAS_ALLOC.
  IOAS_ALLOC("IOMMU_IOAS_ALLOC"),
  /// IOMMU_IOAS_MAP.
  MAP("IOMMU_IOAS_MAP"),
  /// IOMMU_IOAS_MAP_FILE.
  MAP_FILE("IOMMU_IOAS_MAP_FILE"),
  /// IOMMU_IOAS_UNMAP.
  UNMAP("IOMMU_IOAS_UNMAP"),
  /// IOMMU_IOAS_IOVA_RANGES.
  IOVA_RANGES("IOMMU_IOAS_IOVA_RANGES"),
  /// IOMMU_HWPT_ALLOC.
  HWPT_ALLOC("IOMMU_HWPT_ALLOC"),
  /// IOMMU_HWPT_INVALIDATE.
  INVALIDATE("IOMMU_HWPT_INVALIDATE"),
  /// IOMMU_HWPT_SET_DIRTY_TRACKING.
  DIRTY_TRACKING("IOMMU_HWPT_SET_DIRTY_TRACKING"),
  /// IOMMU_VIOMMU_ALLOC.
  VIOMMU_ALLOC("IOMMU_VIOMMU_ALLOC"),
  /// IOMMU_VDEVICE_ALLOC.
  VDEVICE_ALLOC("IOMMU_VDEVICE_ALLOC"),
  /// IOMMU_FAULT_QUEUE_ALLOC.
  FAULT_QUEUE_ALLOC("IOMMU_FAULT_QUEUE_ALLOC"),
  /// `read` of a fault queue.
  FAULT_READ("read"),
  /// `write` of a fault queue.
  FAULT_RESPOND("write"),
  /// IOMMU_DESTROY.
  DESTROY("IOMMU_DESTROY");

  private final String uapiName;

  Request(String uapiName) {
    this.uapiName = uapiName;
  }

  /// As files and commands write it: `attach-pasid`.
  public String title() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  /// All of them as files and commands write them.
  public static List<String> titles() {
    return Stream.of(values()).map(Request::title).toList();
  }

  /// The request that files and commands write so.
  public static Optional<Request> titled(String title) {
    return Stream.of(values()).filter(request -> request.title().equals(title)).findFirst();
  }

  /// The request's name in the uAPI.
  String uapiName() {
    return uapiName;
  }
}
