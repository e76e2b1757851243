/// The part of Linux that everybody has to know: its error numbers. The calls are in `calls`.
@NullMarked
package io.vpasid.vmm.linux;

import org.jspecify.annotations.NullMarked;
