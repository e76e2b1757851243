package io.vpasid.vmm.pasid;

import io.vpasid.vmm.iommufd.Pasid;

/// A request was refused and changed nothing.
///
/// @param pasid the PASID it was for
/// @param reason why
public record Refused(Pasid pasid, Refusal reason) implements AttachOutcome, DetachOutcome {

  /// The refusal as a sentence with the PASID in it.
  public String text() {
    return "PASID " + pasid + " is refused: " + reason.text() + ".";
  }
}
