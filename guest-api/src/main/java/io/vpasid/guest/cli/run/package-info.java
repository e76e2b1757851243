/// The commands that let a guest use its vPASID: `run`, with scenarios or without, and `demo`.
@NullMarked
package io.vpasid.guest.cli.run;

import org.jspecify.annotations.NullMarked;
