/// The command line `vpasid`: [io.vpasid.guest.cli.Main] and the top command; each family of
/// commands has a package of its own.
@NullMarked
package io.vpasid.guest.cli;

import org.jspecify.annotations.NullMarked;
