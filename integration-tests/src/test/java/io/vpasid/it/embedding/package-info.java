/// The smallest VMM that embeds the library, as an example, and as a test that it is enough.
@NullMarked
package io.vpasid.it.embedding;

import org.jspecify.annotations.NullMarked;
