/// What a guest does with its vPASID: `run`, with scenarios or without, and `demo`.
@NullMarked
package io.vpasid.guest.cli.run;

import org.jspecify.annotations.NullMarked;
