/// JSON files that people write (quirks, descriptions, configurations): read strictly, and where
/// something is wrong the message says in which line and column, and what to do.
///
/// A [Shape] is the table of one kind of object, and a [FileShape] that of a whole file. To add a
/// key: a row in the table, and the line that asks the [Fields] for its value. The schemas and the
/// tables of the documents are made of the same rows; the command `vpasid schema` writes them.
@NullMarked
package io.vpasid.synth.json;

import org.jspecify.annotations.NullMarked;
