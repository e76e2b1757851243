/// The request mailbox: registers in configuration space through which software in a guest asks for
/// PASIDs to be attached to address spaces that the VMM has granted to its function.
///
/// `docs/mailbox.md` describes it for those who use it from a guest.
@NullMarked
package io.vpasid.vmm.frontend.mailbox;

import org.jspecify.annotations.NullMarked;
