/// The whole: rules that hold across the modules, and runs against real software and captured
/// config spaces.
@NullMarked
package io.vpasid.it;

import org.jspecify.annotations.NullMarked;
