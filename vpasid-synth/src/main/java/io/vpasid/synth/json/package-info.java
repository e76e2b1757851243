/// JSON files that people write (quirks, descriptions, configurations): read strictly, and where
/// something is wrong the message says in which line and column, and what to do.
@NullMarked
package io.vpasid.synth.json;

import org.jspecify.annotations.NullMarked;
