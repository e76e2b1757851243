/// The command line `vpasid`.
@NullMarked
package io.vpasid.guest.cli;

import org.jspecify.annotations.NullMarked;
