/// The capability walks of other software, written from its behaviour and sharing no code with
/// ours: oracles for tests.
@NullMarked
package io.vpasid.it.walker;

import org.jspecify.annotations.NullMarked;
