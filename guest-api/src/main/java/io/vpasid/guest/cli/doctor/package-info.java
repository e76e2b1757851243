/// Whether this machine can do it: `doctor`.
@NullMarked
package io.vpasid.guest.cli.doctor;

import org.jspecify.annotations.NullMarked;
