package io.vpasid.vmm.frontend.nested;

import io.vpasid.vmm.frontend.vtd.Requester;
import io.vpasid.vmm.frontend.vtd.Translation;
import io.vpasid.vmm.linux.Errno;

/// The host could not do what a guest's entry asks for; the requester is blocked and the guest has
/// a fault.
///
/// @param requester whose DMA
/// @param wanted what the guest's entry says
/// @param errno the kernel's error, or the one that fits
/// @param reason as a part of a sentence, without a full stop
public record RefusedEntry(Requester requester, Translation wanted, Errno errno, String reason) {

  /// The refusal as a sentence.
  public String text() {
    return requester + " is blocked, because " + reason + ".";
  }
}
