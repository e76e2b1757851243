package io.vpasid.it.walker;

/// One function's configuration space as a walk reads it: little endian registers.
///
/// @param bytes 256 or 4096 of them; not copied, and nobody writes to them
// The array is a component on purpose: it is read and never compared.
@SuppressWarnings("ArrayRecordComponent")
record Registers(byte[] bytes) {
  static final int STATUS = 0x06;
  static final int STATUS_CAPABILITIES_LIST = 0x10;
  static final int HEADER_TYPE = 0x0e;
  static final int CARDBUS_BRIDGE = 2;

  /// Whether `width` bytes at `offset` exist.
  boolean has(int offset, int width) {
    return offset + width <= bytes.length;
  }

  int u8(int offset) {
    return bytes[offset] & 0xff;
  }

  int u16(int offset) {
    return u8(offset) | u8(offset + 1) << 8;
  }

  int u32(int offset) {
    return u16(offset) | u16(offset + 2) << 16;
  }

  /// Header Type without its multi-function bit.
  int headerLayout() {
    return u8(HEADER_TYPE) & 0x7f;
  }

  boolean hasCapabilitiesList() {
    return (u16(STATUS) & STATUS_CAPABILITIES_LIST) != 0;
  }
}
