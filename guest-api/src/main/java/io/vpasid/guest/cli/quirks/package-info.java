/// The commands on the quirk table: `list`, `lint`, `explain`, `test`, `new`.
@NullMarked
package io.vpasid.guest.cli.quirks;

import org.jspecify.annotations.NullMarked;
