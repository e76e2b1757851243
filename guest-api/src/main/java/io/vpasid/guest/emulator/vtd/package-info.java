/// The IOMMU driver of an emulated guest: programs a virtual VT-d unit in scalable mode in the way
/// of Linux 7.3, with page tables of its own, and one that does nothing but harm.
///
/// It is written from the specification and shares no code with the unit, so that each tests the
/// other.
@NullMarked
package io.vpasid.guest.emulator.vtd;

import org.jspecify.annotations.NullMarked;
