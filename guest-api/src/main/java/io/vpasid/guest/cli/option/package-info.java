/// Options that several commands share.
@NullMarked
package io.vpasid.guest.cli.option;

import org.jspecify.annotations.NullMarked;
