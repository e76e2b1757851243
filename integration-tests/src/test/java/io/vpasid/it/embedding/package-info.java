/// Programs that embed the library, as examples, and as a test that it is enough.
@NullMarked
package io.vpasid.it.embedding;

import org.jspecify.annotations.NullMarked;
