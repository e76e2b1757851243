/// A virtual IOMMU: Intel VT-d, as a guest's own driver programs it.
///
/// [io.vpasid.vmm.frontend.vtd.VtdBackend] is what stands behind it and
/// [io.vpasid.vmm.frontend.vtd.VtdReports] the way back; nothing here knows iommufd. Sections are
/// those of the Intel Virtualization Technology for Directed I/O Architecture Specification 4.1 or
/// later; names in capitals are its own.
@NullMarked
package io.vpasid.vmm.frontend.vtd;

import org.jspecify.annotations.NullMarked;
