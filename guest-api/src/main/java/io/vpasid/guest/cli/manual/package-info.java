/// What packages install beside the program: man pages and completions for shells, out of the same
/// descriptions that `--help` prints.
@NullMarked
package io.vpasid.guest.cli.manual;

import org.jspecify.annotations.NullMarked;
