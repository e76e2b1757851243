/// A guest's own words, turned into requests: the memory in which it leaves them, and one package
/// for each way to ask.
@NullMarked
package io.vpasid.vmm.frontend;

import org.jspecify.annotations.NullMarked;
