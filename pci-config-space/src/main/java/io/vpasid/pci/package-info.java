/// A PCI configuration space: its bytes, addresses and ids. Depends on nothing.
///
/// Offsets and lengths are in bytes from the start of the function's configuration space; registers
/// are little endian (PCI Express Base Specification 7.0, section 7.2).
@NullMarked
package io.vpasid.pci;

import org.jspecify.annotations.NullMarked;
