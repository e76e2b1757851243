/// Tests inside a real Linux kernel, and of real guests: QEMU emulates a machine whose PCI function
/// this project serves.
///
/// A class that is annotated with [InRealKernel] runs in such a machine; what it needs from the
/// host it finds there, because the host's files are mounted. The machine itself is a
/// [GuestMachine], which other tests boot by themselves.
@NullMarked
package io.vpasid.it.realkernel;

import org.jspecify.annotations.NullMarked;
