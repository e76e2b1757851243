/// The kernel's iommufd and VFIO device interface as Java types: one
/// [IommufdBackend][io.vpasid.vmm.iommufd.IommufdBackend] is one open `/dev/iommu`.
///
/// The types follow `include/uapi/linux/iommufd.h` and `include/uapi/linux/vfio.h` object by object
/// and request by request; the names of the requests stand at the methods. Backends are found
/// through [java.util.ServiceLoader] by their
/// [IommufdBackendProvider][io.vpasid.vmm.iommufd.IommufdBackendProvider].
@NullMarked
package io.vpasid.vmm.iommufd;

import org.jspecify.annotations.NullMarked;
