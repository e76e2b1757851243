/// The control socket, through which people and programs look into a running daemon and change what
/// it serves.
///
/// It speaks as QEMU's QMP does, so that tools for QMP work with it: JSON objects, a greeting,
/// `qmp_capabilities`, `execute` with `arguments` and `id`, `return` or `error` with `class` and
/// `desc`, and events with time stamps. [io.vpasid.guest.control.ControlCommand] and
/// [io.vpasid.guest.control.ControlEvent] are the tables of what there is;
/// [io.vpasid.guest.control.ControlServer] serves a [io.vpasid.guest.control.ControlTarget], and
/// [io.vpasid.guest.control.ControlClient] is the other end.
///
/// Clients are admitted by user id and then trusted with every command, but their bytes are not:
/// what they send has bounds before it is read, and arguments are checked before they are used.
@NullMarked
package io.vpasid.guest.control;

import org.jspecify.annotations.NullMarked;
