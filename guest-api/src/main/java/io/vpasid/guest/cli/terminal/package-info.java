/// The process as a command sees it: where its output goes, how long it takes, what its exit code
/// means.
@NullMarked
package io.vpasid.guest.cli.terminal;

import org.jspecify.annotations.NullMarked;
