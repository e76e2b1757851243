/// What the documents say of the tests.
@NullMarked
package io.vpasid.it.documents;

import org.jspecify.annotations.NullMarked;
