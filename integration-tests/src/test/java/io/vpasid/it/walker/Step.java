package io.vpasid.it.walker;

import java.util.Locale;

/// A header that a walk stopped at.
///
/// @param offset of its first byte
/// @param header 16 bits of a standard, 32 of an extended capability
public record Step(int offset, int header) {
  private static final int ALL_ONES = 0xffffffff;

  /// Capability ID of an extended capability.
  public int extendedId() {
    return header & 0xffff;
  }

  /// Capability ID of a standard capability.
  public int standardId() {
    return header & 0xff;
  }

  /// Version of an extended capability.
  public int version() {
    return header >>> 16 & 0xf;
  }

  /// Whether it is what an extended list may consist of: a header in the extended space that
  /// somebody answers for.
  boolean isInList() {
    return offset >= 0x100 && header != ALL_ONES;
  }

  /// Whether it names a capability: null capabilities and placeholders only link to the next.
  boolean isNamed() {
    return extendedId() != 0 && extendedId() != 0xffff;
  }

  @Override
  public String toString() {
    return String.format(Locale.ROOT, "%03x:%08x", offset, header);
  }
}
