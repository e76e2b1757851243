/// Host functions for tests: made at random, damaged, random bytes, and captured from real
/// machines.
@NullMarked
package io.vpasid.it.space;

import org.jspecify.annotations.NullMarked;
