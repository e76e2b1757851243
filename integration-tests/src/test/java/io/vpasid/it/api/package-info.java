/// What the modules export to everybody, compared with what was decided.
@NullMarked
package io.vpasid.it.api;

import org.jspecify.annotations.NullMarked;
