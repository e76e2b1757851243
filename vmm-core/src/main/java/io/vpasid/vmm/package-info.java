/// The library that a VMM embeds: one object for each function that it passes through.
@NullMarked
package io.vpasid.vmm;

import org.jspecify.annotations.NullMarked;
