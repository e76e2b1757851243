/// Measures a vfio-user server under load; nothing of that passes or fails. What can be said in
/// counts and ratios is a test.
@NullMarked
package io.vpasid.it.load;

import org.jspecify.annotations.NullMarked;
