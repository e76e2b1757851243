package io.vpasid.synth;

import io.vpasid.pci.ConfigSpace;
import io.vpasid.pci.capability.CapabilityId;
import io.vpasid.pci.emulation.ConfigPatch;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/// An extended capability that a VMM wants to show besides the vPASID, as a DVSEC of its own.
///
/// A place is searched for it as for the vPASID, behind which it comes, so that the vPASID lies
/// where it would lie alone.
///
/// @param id which capability it is; neither PASID nor null
/// @param version 4 bits of its header
/// @param length of the capability in bytes, its header included; a multiple of 4
/// @param registers its dwords behind the header, by their offset from its first byte. Those that
///   none names read as 0 and ignore writes
public record FurtherCapability(
    CapabilityId id, int version, int length, List<ConfigPatch> registers) {

  private static final int HEADER_LENGTH = 4;
  private static final int LONGEST = ConfigSpace.EXTENDED_SIZE - ConfigSpace.STANDARD_SIZE;

  /// @throws IllegalArgumentException if the id is a standard one, PASID or null, the version does
  ///   not fit, the length is not a multiple of 4 from 4 to 0xf00, or a register lies on the header
  ///   or outside the capability
  public FurtherCapability {
    if (!id.isExtended() || id.equals(CapabilityId.PASID) || id.value() == 0) {
      throw new IllegalArgumentException(id + " is no further extended capability");
    }
    if (version < 0 || version > 0xf) {
      throw new IllegalArgumentException("A capability version has 4 bits, not " + version);
    }
    if (length < HEADER_LENGTH || length > LONGEST || (length & 3) != 0) {
      throw new IllegalArgumentException(
          "An extended capability has a multiple of 4 bytes up to 0xf00, not " + length);
    }
    registers = List.copyOf(registers);
    for (ConfigPatch register : registers) {
      if (register.offset() < HEADER_LENGTH || register.offset() >= length) {
        throw new IllegalArgumentException(
            String.format(
                Locale.ROOT,
                "A register at +0x%02x is outside the dwords +0x04 to +0x%02x",
                register.offset(),
                length - 4));
      }
    }
  }

  /// The dwords behind the header for a capability at `offset`, all of them in whole.
  List<ConfigPatch> patches(int offset) {
    List<ConfigPatch> patches = new ArrayList<>();
    for (int at = HEADER_LENGTH; at < length; at += 4) {
      patches.add(ConfigPatch.readOnly(offset + at, 0));
    }
    for (ConfigPatch register : registers) {
      patches.add(
          new ConfigPatch(
              offset + register.offset(),
              register.mask(),
              register.bits(),
              register.writable(),
              register.writeOneToClear()));
    }
    return patches;
  }
}
