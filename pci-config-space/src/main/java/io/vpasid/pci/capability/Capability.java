package io.vpasid.pci.capability;

import io.vpasid.pci.ConfigSpace;
import java.util.Locale;

/// One capability as the walk found it.
///
/// @param id which capability it is
/// @param offset of its first byte, 4-byte aligned
/// @param version 4 bits of an extended capability's header; 0 for a standard capability
/// @param next offset of the capability behind it in the list as its header says, 0 at the end
/// @param extent the bytes it occupies
public record Capability(CapabilityId id, int offset, int version, int next, Extent extent) {

  /// The capability whose header is known to be at `offset`, without a walk.
  ///
  /// @param offset 4-byte aligned, inside the space that the id's kind has
  /// @param limit where other bytes begin; it ends a capability whose length the id does not decide
  public static Capability at(
      ConfigSpace config, CapabilityId id, int version, int offset, int limit) {
    int next =
        id.kind() == CapabilityId.Kind.STANDARD ? config.u8(offset + 1) : config.u32(offset) >>> 20;
    return new Capability(
        id, offset, version, next & ~3, ExtentRules.of(config, id, version, offset, limit));
  }

  /// As lspci titles it: `[230] Process Address Space ID (PASID)`.
  @Override
  public String toString() {
    return String.format(Locale.ROOT, "[%02x] %s", offset, id.title());
  }
}
