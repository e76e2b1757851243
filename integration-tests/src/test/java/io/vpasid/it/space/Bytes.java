package io.vpasid.it.space;

/// Little endian registers in an array.
final class Bytes {
  private Bytes() {}

  static int u8(byte[] bytes, int offset) {
    return bytes[offset] & 0xff;
  }

  static int u32(byte[] bytes, int offset) {
    return u8(bytes, offset)
        | u8(bytes, offset + 1) << 8
        | u8(bytes, offset + 2) << 16
        | u8(bytes, offset + 3) << 24;
  }

  static void put8(byte[] bytes, int offset, int value) {
    bytes[offset] = (byte) value;
  }

  static void put16(byte[] bytes, int offset, int value) {
    put8(bytes, offset, value);
    put8(bytes, offset + 1, value >>> 8);
  }

  static void put32(byte[] bytes, int offset, int value) {
    put16(bytes, offset, value);
    put16(bytes, offset + 2, value >>> 16);
  }

  /// Sets the field `high:low` of a dword.
  static void field(byte[] bytes, int offset, int high, int low, int value) {
    int mask = (-1 >>> (31 - (high - low))) << low;
    put32(bytes, offset, (u32(bytes, offset) & ~mask) | ((value << low) & mask));
  }
}
