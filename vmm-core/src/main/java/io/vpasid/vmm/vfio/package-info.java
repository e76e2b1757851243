/// The words in which VFIO, and vfio-user after it, speak of a device: its regions, its interrupts
/// and their indexes.
@NullMarked
package io.vpasid.vmm.vfio;

import org.jspecify.annotations.NullMarked;
