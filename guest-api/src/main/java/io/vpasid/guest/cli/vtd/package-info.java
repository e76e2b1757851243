/// The commands around a virtual IOMMU.
@NullMarked
package io.vpasid.guest.cli.vtd;

import org.jspecify.annotations.NullMarked;
