/// The daemon, `serve`, and its remote control, `ctl`.
@NullMarked
package io.vpasid.guest.cli.serve;

import org.jspecify.annotations.NullMarked;
