/// The host's side of a virtual IOMMU: page tables in iommufd that do what a guest's entries say.
///
/// [io.vpasid.vmm.frontend.nested.GuestPageTables] owns them, for all functions of one guest.
@NullMarked
package io.vpasid.vmm.frontend.nested;

import org.jspecify.annotations.NullMarked;
