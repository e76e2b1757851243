/// Scenarios: what a guest and its host do with a function, and what must come of it, in a file.
///
/// A scenario needs no hardware. It runs in this process on a simulated host, or through vfio-user
/// and the control socket of a running daemon; what it runs on is a [Machine].
@NullMarked
package io.vpasid.guest.scenario;

import org.jspecify.annotations.NullMarked;
