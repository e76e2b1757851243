/// The place of a synthesized capability in a configuration space, and the reason for it.
@NullMarked
package io.vpasid.synth.placement;

import org.jspecify.annotations.NullMarked;
