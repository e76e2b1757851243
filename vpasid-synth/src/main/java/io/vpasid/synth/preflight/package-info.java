/// Whether a Linux guest will enable PASIDs on a function, as far as its bytes tell.
@NullMarked
package io.vpasid.synth.preflight;

import org.jspecify.annotations.NullMarked;
