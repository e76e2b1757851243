package io.vpasid.pci.capability;

import io.vpasid.pci.ByteRange;

/// The bytes that a capability occupies.
///
/// @param range those bytes, its header included; never reaches past the configuration space
/// @param certainty whether more bytes may belong to it
/// @param rule where the length comes from: a section of the PCI Express Base Specification 7.0 or
///   of another standard, and the registers that decided
public record Extent(ByteRange range, Certainty certainty, String rule) {

  /// Trust in a length.
  public enum Certainty {
    /// The capability ends where the extent ends.
    EXACT,
    /// At least these bytes; the id, the version or a register is not one that the rule knows.
    LOWER_BOUND
  }

  /// True if bytes behind the range may belong to the capability too.
  public boolean isLowerBound() {
    return certainty == Certainty.LOWER_BOUND;
  }
}
