/// The daemon that `vpasid serve CONFIG.json` runs: several functions, each on a vfio-user socket
/// of its own, one control socket for all of them, metrics and logs.
///
/// [io.vpasid.guest.config.DaemonConfig] is what its configuration says and
/// [io.vpasid.guest.daemon.Daemon] its life. Everything that changes what is served is done on one
/// thread, in the order in which it was asked for; guests' accesses and requests do not wait for
/// that thread.
@NullMarked
package io.vpasid.guest.daemon;

import org.jspecify.annotations.NullMarked;
