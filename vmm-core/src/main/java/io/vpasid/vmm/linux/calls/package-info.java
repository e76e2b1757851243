/// System calls of Linux, made with `java.lang.foreign`: the C functions, descriptors that are
/// always closed, sockets through which descriptors pass, memory that another process shares, and
/// the structures of the iommufd and VFIO headers.
///
/// The only package that makes native calls. 64-bit Linux only; every number is in native byte
/// order unless it says so.
@NullMarked
package io.vpasid.vmm.linux.calls;

import org.jspecify.annotations.NullMarked;
