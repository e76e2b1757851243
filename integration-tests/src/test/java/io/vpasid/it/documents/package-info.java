/// What the documents say of tests and of each other.
@NullMarked
package io.vpasid.it.documents;

import org.jspecify.annotations.NullMarked;
