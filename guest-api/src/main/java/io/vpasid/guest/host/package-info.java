/// A function on a host: emulated on a simulated one, or passed through by VFIO from this machine.
///
/// [io.vpasid.guest.host.Backing] is what stands behind a function that is served.
/// [io.vpasid.guest.host.EmulatedHardware] plays a captured or described function (registers, BARs
/// backed by memory, interrupts), [io.vpasid.guest.host.BoundHardware] hands everything on to VFIO.
@NullMarked
package io.vpasid.guest.host;

import org.jspecify.annotations.NullMarked;
