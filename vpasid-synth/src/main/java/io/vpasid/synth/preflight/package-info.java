/// The checks of a Linux guest before it enables PASIDs on a function, as far as its bytes tell.
@NullMarked
package io.vpasid.synth.preflight;

import org.jspecify.annotations.NullMarked;
