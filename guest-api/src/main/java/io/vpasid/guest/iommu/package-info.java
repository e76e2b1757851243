/// A virtual IOMMU for clients of vfio-user: its registers are a BAR of a function, and a table for
/// the machine's firmware says where that is.
@NullMarked
package io.vpasid.guest.iommu;

import org.jspecify.annotations.NullMarked;
