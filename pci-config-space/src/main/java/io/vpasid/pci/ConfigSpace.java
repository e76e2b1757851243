package io.vpasid.pci;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Locale;

/// The bytes of one function's configuration space, 256 or 4096 of them, which never change.
///
/// What a guest sees of it is these bytes and a list of patches
/// ([io.vpasid.pci.emulation.ConfigPatch]); nothing edits them. Registers are little endian. Safe
/// to share between threads.
public final class ConfigSpace {
  /// Size of a configuration space without extended capabilities.
  public static final int STANDARD_SIZE = 256;

  /// Size of a PCI Express function's configuration space.
  public static final int EXTENDED_SIZE = 4096;

  /// Offset of the first extended capability, the head of their list.
  public static final int EXTENDED_START = 0x100;

  private static final VarHandle SHORT =
      MethodHandles.byteArrayViewVarHandle(short[].class, ByteOrder.LITTLE_ENDIAN);
  private static final VarHandle INT =
      MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);
  private static final VarHandle LONG =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

  private final byte[] bytes;

  private ConfigSpace(byte[] bytes) {
    this.bytes = bytes;
  }

  /// A configuration space with a copy of these bytes.
  ///
  /// @throws IllegalArgumentException if there are neither 256 nor 4096 of them
  public static ConfigSpace of(byte[] bytes) {
    if (bytes.length != STANDARD_SIZE && bytes.length != EXTENDED_SIZE) {
      throw new IllegalArgumentException(
          "A configuration space has 256 or 4096 bytes, not " + bytes.length);
    }
    return new ConfigSpace(bytes.clone());
  }

  /// Number of bytes: 256 or 4096.
  public int size() {
    return bytes.length;
  }

  /// True if there is room for extended capabilities: 4096 bytes.
  public boolean isExtended() {
    return bytes.length == EXTENDED_SIZE;
  }

  /// The byte at `offset`, 0 to 0xff.
  ///
  /// @throws IndexOutOfBoundsException if it lies outside; likewise for the wider reads
  public int u8(int offset) {
    return bytes[offset] & 0xff;
  }

  /// The 16-bit register at `offset` (any alignment), 0 to 0xffff.
  public int u16(int offset) {
    return (short) SHORT.get(bytes, offset) & 0xffff;
  }

  /// The 32-bit register at `offset` (any alignment); read it as unsigned.
  public int u32(int offset) {
    return (int) INT.get(bytes, offset);
  }

  /// The eight bytes at `offset` (any alignment), the first in bits 7:0.
  public long u64(int offset) {
    return (long) LONG.get(bytes, offset);
  }

  /// Vendor ID and Device ID.
  public PciId id() {
    return new PciId(u16(Header.VENDOR_ID), u16(Header.DEVICE_ID));
  }

  /// Subsystem Vendor ID and Subsystem ID; meaningful for a type 0 header only.
  public PciId subsystem() {
    return new PciId(u16(Header.SUBSYSTEM_VENDOR_ID), u16(Header.SUBSYSTEM_ID));
  }

  /// Class Code, 24 bits: base class, sub-class, programming interface.
  public int classCode() {
    return u32(Header.REVISION_ID) >>> 8;
  }

  /// Revision ID, 8 bits.
  public int revision() {
    return u8(Header.REVISION_ID);
  }

  /// Layout of the header: 0 endpoint, 1 bridge, 2 CardBus bridge.
  public int headerLayout() {
    return u8(Header.HEADER_TYPE) & Header.HEADER_TYPE_LAYOUT;
  }

  /// True if no register of the header can be read: what a function that is gone, in reset or
  /// without power answers is ones.
  public boolean isSilent() {
    for (int at = 0; at < Header.RANGE.end(); at++) {
      if (u8(at) != 0xff) {
        return false;
      }
    }
    return true;
  }

  /// True if every byte of `range` is 0.
  public boolean isZero(ByteRange range) {
    for (int at = range.offset(); at < range.end(); at++) {
      if (bytes[at] != 0) {
        return false;
      }
    }
    return true;
  }

  /// A copy of all bytes.
  public byte[] toByteArray() {
    return bytes.clone();
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof ConfigSpace that && Arrays.equals(bytes, that.bytes);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(bytes);
  }

  /// Ids and size, as in `8086:0b25, 4096 bytes`; not the content.
  @Override
  public String toString() {
    return String.format(Locale.ROOT, "%s, %d bytes", id(), bytes.length);
  }
}
