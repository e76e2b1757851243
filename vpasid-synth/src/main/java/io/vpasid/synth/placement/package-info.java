/// Where in a configuration space a synthesized capability goes, and why there.
@NullMarked
package io.vpasid.synth.placement;

import org.jspecify.annotations.NullMarked;
