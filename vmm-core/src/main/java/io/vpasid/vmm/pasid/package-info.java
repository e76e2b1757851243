/// Who is attached to what: the PASIDs of one function, their limits, requests and outcomes.
@NullMarked
package io.vpasid.vmm.pasid;

import org.jspecify.annotations.NullMarked;
