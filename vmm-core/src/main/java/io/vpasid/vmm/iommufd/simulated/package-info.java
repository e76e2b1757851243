/// An iommufd in memory that answers as Linux does: the same object ids, the same checks in the
/// same order, the same errors.
///
/// A [SimulatedHost][io.vpasid.vmm.iommufd.simulated.SimulatedHost] is the machine with its IOMMU
/// and its functions; each of its contexts is a
/// [SimulatedIommufd][io.vpasid.vmm.iommufd.simulated.SimulatedIommufd]. Unlike a kernel it can be
/// looked into, and told to fail.
@NullMarked
package io.vpasid.vmm.iommufd.simulated;

import org.jspecify.annotations.NullMarked;
