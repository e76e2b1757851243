package io.vpasid.pci.capability;

import java.util.Locale;

/// One capability as the walk found it.
///
/// @param id which capability it is
/// @param offset of its first byte, 4-byte aligned
/// @param version 4 bits of an extended capability's header; 0 for a standard capability
/// @param next offset of the capability behind it in the list as its header says, 0 at the end
/// @param extent the bytes it occupies
public record Capability(CapabilityId id, int offset, int version, int next, Extent extent) {

  /// As lspci titles it: `[230] Process Address Space ID (PASID)`.
  @Override
  public String toString() {
    return String.format(Locale.ROOT, "[%02x] %s", offset, id.title());
  }
}
