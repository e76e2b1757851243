@NullMarked
package io.vpasid.testing;

import org.jspecify.annotations.NullMarked;
