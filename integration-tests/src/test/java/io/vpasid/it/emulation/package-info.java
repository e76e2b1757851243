/// Emulated functions together with what is laid over them.
@NullMarked
package io.vpasid.it.emulation;

import org.jspecify.annotations.NullMarked;
