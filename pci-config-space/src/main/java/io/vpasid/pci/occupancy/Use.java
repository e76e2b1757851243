package io.vpasid.pci.occupancy;

/// Why a byte of a configuration space is not free, and how sure that is.
public enum Use {
  /// Nothing is known to be there, and the byte reads as 0.
  FREE,
  /// The configuration header, 0x00-0x3f.
  HEADER,
  /// A capability's extent.
  CAPABILITY,
  /// The extent of a capability whose length is only a lower bound.
  CAPABILITY_OF_UNKNOWN_LENGTH,
  /// A capability of the host function that is not in the list.
  HIDDEN_CAPABILITY,
  /// A capability that is in no list: found by its header and its registers.
  UNLINKED_CAPABILITY,
  /// A quirk knows registers there.
  QUIRK,
  /// The space repeats the bytes below it.
  MIRRORED,
  /// The byte is not 0, so that something is behind it.
  NON_ZERO,
  /// The dump does not have the byte.
  NOT_IN_DUMP;

  /// True if the bytes belong to the header or to a capability in the list; all others are gaps.
  public boolean isListed() {
    return this == HEADER || this == CAPABILITY || this == CAPABILITY_OF_UNKNOWN_LENGTH;
  }
}
