/// Capabilities: their ids and names, the bytes each occupies, and the walk that finds them.
@NullMarked
package io.vpasid.pci.capability;

import org.jspecify.annotations.NullMarked;
