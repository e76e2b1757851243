package io.vpasid.vmm.iommufd;

import io.vpasid.pci.capability.PasidSizes;

/// A process address space id as somebody asked for it: any 32-bit number.
///
/// PCI Express gives a PASID 20 bits, and 0 is no PASID for iommufd (it names the requester id's
/// own attachment). Guests and control clients send anything, so this type carries anything;
/// [#fits(int)] says whether a function may use it. Numbers are unsigned and so ordered.
///
/// @param value the number, 32 bits unsigned
public record Pasid(int value) implements Comparable<Pasid> {
  /// Bits of the widest PASID (PCI Express Base Specification 7.0, section 7.8.9.2).
  public static final int MAX_WIDTH = PasidSizes.MAX_WIDTH;

  /// True if a function whose PASIDs have `width` bits can use this one: 1 to 2^width - 1.
  ///
  /// @param width 0 (then nothing fits) to 31
  public boolean fits(int width) {
    return value > 0 && value >>> width == 0;
  }

  @Override
  public int compareTo(Pasid other) {
    return Integer.compareUnsigned(value, other.value);
  }

  /// The number, unsigned and decimal.
  @Override
  public String toString() {
    return Integer.toUnsignedString(value);
  }
}
