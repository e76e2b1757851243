package io.vpasid.synth.quirk;

import java.util.Locale;

/// A set of class codes, in which each hexadecimal digit is fixed or free: `0x0300xx`.
///
/// @param value the fixed digits at their places, 0 at the free ones; 24 bits
/// @param mask 0xf at the fixed digits, 0 at the free ones; 24 bits
public record ClassPattern(int value, int mask) {

  /// @throws IllegalArgumentException if the mask cuts through a digit or the value has bits
  ///   outside the mask
  public ClassPattern {
    int anyBitOfDigit = (mask | mask >>> 1 | mask >>> 2 | mask >>> 3) & 0x111111;
    if (mask >>> 24 != 0 || anyBitOfDigit * 0xf != mask || (value & ~mask) != 0) {
      throw new IllegalArgumentException(
          String.format(Locale.ROOT, "No class pattern: value %x, mask %x", value, mask));
    }
  }

  /// True if `classCode` is one of them.
  boolean matches(int classCode) {
    return (classCode & mask) == value;
  }

  /// True if every class code of `other` is one of them.
  boolean contains(ClassPattern other) {
    return (mask & ~other.mask) == 0 && matches(other.value);
  }

  /// Number of fixed digits, 0 to 6.
  int fixedDigits() {
    return Integer.bitCount(mask) / 4;
  }

  /// As quirk files write it: `0x` and six characters, `x` for a free digit.
  @Override
  public String toString() {
    StringBuilder text = new StringBuilder("0x");
    for (int shift = 20; shift >= 0; shift -= 4) {
      text.append(
          (mask >>> shift & 0xf) == 0 ? 'x' : Character.forDigit(value >>> shift & 0xf, 16));
    }
    return text.toString();
  }
}
