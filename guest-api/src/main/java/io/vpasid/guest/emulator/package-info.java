/// An emulated guest: software that enumerates and drives a function as the Linux kernel does.
@NullMarked
package io.vpasid.guest.emulator;

import org.jspecify.annotations.NullMarked;
