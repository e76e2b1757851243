package io.vpasid.vmm.frontend.vtd;

/// Fields of registers, entries and descriptors.
final class Bits {
  private Bits() {}

  /// True if a bit is set.
  static boolean has(long word, int bit) {
    return ((word >>> bit) & 1) != 0;
  }

  /// A field, shifted down.
  ///
  /// @param high its highest bit
  /// @param low its lowest bit
  static int field(long word, int high, int low) {
    return (int) ((word >>> low) & mask(high - low, 0));
  }

  /// Ones in the bits `high` to `low`.
  static long mask(int high, int low) {
    return (-1L >>> (63 - high + low)) << low;
  }

  /// A register of 8 bytes with another low half.
  static long withLow(long register, int half) {
    return (register & ~0xffffffffL) | Integer.toUnsignedLong(half);
  }

  /// A register of 8 bytes with another high half.
  static long withHigh(long register, int half) {
    return (register & 0xffffffffL) | (long) half << 32;
  }
}
