/// The engine against the `lspci` of pciutils, over captured and damaged functions.
@NullMarked
package io.vpasid.it.lspci;

import org.jspecify.annotations.NullMarked;
