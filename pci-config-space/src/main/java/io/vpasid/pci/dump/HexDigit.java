package io.vpasid.pci.dump;

import java.util.Arrays;

/// Hexadecimal digits of either case, as bytes of a text.
final class HexDigit {
  private static final byte[] VALUES = values();

  private HexDigit() {}

  /// The digit's value, 0 to 15, or -1 if the byte is no digit.
  static int value(byte digit) {
    return VALUES[digit & 0xff];
  }

  /// The value of two digits, 0 to 255; negative if one of them is none.
  static int pair(byte high, byte low) {
    return VALUES[high & 0xff] << 4 | VALUES[low & 0xff];
  }

  static boolean is(byte digit) {
    return VALUES[digit & 0xff] >= 0;
  }

  static boolean is(char digit) {
    return digit < 0x80 && VALUES[digit] >= 0;
  }

  private static byte[] values() {
    byte[] values = new byte[256];
    Arrays.fill(values, (byte) -1);
    for (int i = 0; i < 16; i++) {
      values["0123456789abcdef".charAt(i)] = (byte) i;
      values["0123456789ABCDEF".charAt(i)] = (byte) i;
    }
    return values;
  }
}
