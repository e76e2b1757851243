/// The iommufd of the running Linux: `/dev/iommu` and the VFIO devices of `/dev/vfio/devices`.
///
/// One request of [IommufdBackend][io.vpasid.vmm.iommufd.IommufdBackend] is one system call, with
/// the whole structure, and what the kernel answers is what the caller gets.
@NullMarked
package io.vpasid.vmm.iommufd.kernel;

import org.jspecify.annotations.NullMarked;
