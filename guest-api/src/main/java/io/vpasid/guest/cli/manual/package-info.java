/// Man pages and completions for shells, which packages install beside the program, out of the same
/// descriptions that `--help` prints.
@NullMarked
package io.vpasid.guest.cli.manual;

import org.jspecify.annotations.NullMarked;
