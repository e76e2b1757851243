/// What must always hold, checked over random, damaged and captured functions.
@NullMarked
package io.vpasid.it.invariant;

import org.jspecify.annotations.NullMarked;
