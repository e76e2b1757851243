/// What everybody has to know of Linux: its error numbers. The calls are in `calls`.
@NullMarked
package io.vpasid.vmm.linux;

import org.jspecify.annotations.NullMarked;
