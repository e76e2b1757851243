/// Measures a vfio-user server under load. Not a test: nothing here passes or fails.
@NullMarked
package io.vpasid.it.load;

import org.jspecify.annotations.NullMarked;
