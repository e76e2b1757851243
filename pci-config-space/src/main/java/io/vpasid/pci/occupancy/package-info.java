/// Who owns each byte of a configuration space, and what is left.
@NullMarked
package io.vpasid.pci.occupancy;

import org.jspecify.annotations.NullMarked;
