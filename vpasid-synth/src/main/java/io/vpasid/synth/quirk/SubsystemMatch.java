package io.vpasid.synth.quirk;

import io.vpasid.pci.PciId;
import java.util.Locale;

/// One subsystem, or all of a vendor.
///
/// @param vendor Subsystem Vendor ID
/// @param device Subsystem ID, or [QuirkMatch#ANY]
public record SubsystemMatch(int vendor, int device) {

  /// @throws IllegalArgumentException if an id needs more than 16 bits
  public SubsystemMatch {
    if ((vendor & ~0xffff) != 0 || (device != QuirkMatch.ANY && (device & ~0xffff) != 0)) {
      throw new IllegalArgumentException(
          String.format(Locale.ROOT, "No subsystem: %x:%x", vendor, device));
    }
  }

  /// True if `subsystem` is meant; never true for [FunctionIdentity#NO_SUBSYSTEM].
  boolean matches(PciId subsystem) {
    return !subsystem.equals(FunctionIdentity.NO_SUBSYSTEM)
        && subsystem.vendor() == vendor
        && (device == QuirkMatch.ANY || device == subsystem.device());
  }

  /// True if every subsystem of `other` is meant too.
  boolean contains(SubsystemMatch other) {
    return vendor == other.vendor && (device == QuirkMatch.ANY || device == other.device);
  }

  /// As quirk files write it: `0x1028:0x0015` or, for all of the vendor, `0x1028`.
  @Override
  public String toString() {
    return device == QuirkMatch.ANY
        ? String.format(Locale.ROOT, "0x%04x", vendor)
        : String.format(Locale.ROOT, "0x%04x:0x%04x", vendor, device);
  }
}
