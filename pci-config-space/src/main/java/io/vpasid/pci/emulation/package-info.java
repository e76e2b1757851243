/// The space that a guest reads and writes: the device's registers under an ordered list of
/// patches.
@NullMarked
package io.vpasid.pci.emulation;

import org.jspecify.annotations.NullMarked;
