/// Functions that are emulated: captured, or described in a file.
///
/// [io.vpasid.guest.function.FunctionFile] reads a description in JSON,
/// [io.vpasid.guest.function.CapturedHardware] works out what a captured function has besides its
/// configuration space, and [io.vpasid.guest.function.EmulatedHardware] plays the function:
/// registers, BARs backed by memory, interrupts.
@NullMarked
package io.vpasid.guest.function;

import org.jspecify.annotations.NullMarked;
