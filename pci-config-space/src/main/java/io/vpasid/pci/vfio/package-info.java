/// The view that the Linux driver vfio-pci gives user space of a host function.
@NullMarked
package io.vpasid.pci.vfio;

import org.jspecify.annotations.NullMarked;
