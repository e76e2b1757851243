package io.vpasid.pci.occupancy;

import io.vpasid.pci.ByteRange;

/// A run of bytes with one owner.
///
/// @param range the bytes
/// @param use why they are not free, or that they are
/// @param owner who owns them, for people to read; empty if they are free
/// @param shortName the owner where there is little room: a capability's mnemonic, otherwise the
///   same
public record Segment(ByteRange range, Use use, String owner, String shortName) {

  /// A run whose owner has no short name.
  public Segment(ByteRange range, Use use, String owner) {
    this(range, use, owner, owner);
  }
}
