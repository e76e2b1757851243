/// System calls of Linux, made with `java.lang.foreign`: the C functions, descriptors that are
/// always closed, and the structures of the iommufd and VFIO headers.
///
/// The only package of this module that makes native calls. 64-bit Linux only; every number is in
/// native byte order unless it says so.
@NullMarked
package io.vpasid.vmm.linux.calls;

import org.jspecify.annotations.NullMarked;
