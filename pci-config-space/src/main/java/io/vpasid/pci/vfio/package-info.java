/// What the Linux driver vfio-pci lets user space see of a host function.
@NullMarked
package io.vpasid.pci.vfio;

import org.jspecify.annotations.NullMarked;
