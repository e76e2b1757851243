/// What turns a guest's own words into requests: the memory in which a guest leaves them, and one
/// package for each way to ask.
@NullMarked
package io.vpasid.vmm.frontend;

import org.jspecify.annotations.NullMarked;
