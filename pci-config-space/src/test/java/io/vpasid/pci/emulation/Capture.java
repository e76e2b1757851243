package io.vpasid.pci.emulation;

import io.vpasid.pci.ConfigSpace;
import java.util.List;

/// A captured function, written down byte by byte: what a running machine left in its registers.
final class Capture {
  private final byte[] bytes;
  private int lastStandard;
  private int lastExtended;

  private Capture(int size) {
    bytes = new byte[size];
    u16(0x00, 0x1af4);
    u16(0x02, 0x1234);
    u16(0x04, 0x0546);
    u32(0x08, 0x02000001);
  }

  /// A function with a type 0 header and 4 KiB.
  static Capture extended() {
    return new Capture(ConfigSpace.EXTENDED_SIZE);
  }

  /// A conventional PCI function.
  static Capture conventional() {
    return new Capture(ConfigSpace.STANDARD_SIZE);
  }

  /// A PCI Express endpoint with function-level reset, an x8 link of 16 GT/s, 512-byte payloads,
  /// extended tags and End-End TLP prefixes; its capability is at 0x40.
  static Capture endpoint() {
    return express(0)
        .u32(0x44, 0x10008022)
        .u32(0x4c, 0x00440084)
        .u32(0x64, 0x002e081f)
        .u32(0x6c, 0x0000001e);
  }

  /// A function whose PCI Express capability at 0x40 has version 2 and this port type, and nothing
  /// else in it.
  static Capture express(int portType) {
    return extended().standard(0x40, 0x10).u16(0x42, portType << 4 | 2);
  }

  /// Puts a capability at the end of the standard list.
  Capture standard(int offset, int id) {
    bytes[0x06] |= 0x10;
    bytes[lastStandard == 0 ? 0x34 : lastStandard + 1] = (byte) offset;
    lastStandard = offset;
    return u16(offset, id);
  }

  /// Puts a capability at the end of the extended list.
  Capture extended(int offset, int id, int version) {
    if (lastExtended != 0) {
      bytes[lastExtended + 2] |= (byte) (offset << 4);
      bytes[lastExtended + 3] = (byte) (offset >>> 4);
    }
    lastExtended = offset;
    return u32(offset, version << 16 | id);
  }

  Capture u8(int offset, int value) {
    bytes[offset] = (byte) value;
    return this;
  }

  Capture u16(int offset, int value) {
    return u8(offset, value).u8(offset + 1, value >>> 8);
  }

  Capture u32(int offset, int value) {
    return u16(offset, value).u16(offset + 2, value >>> 16);
  }

  ConfigSpace config() {
    return ConfigSpace.of(bytes);
  }

  /// The function as a guest meets it.
  GuestConfigSpace emulated(Bar... bars) {
    return view(EmulatedRegisters.ofFunction(config(), List.of(bars)));
  }

  /// The function as the virtual function that it is, as a guest meets it.
  GuestConfigSpace emulatedAsVirtual() {
    return view(EmulatedRegisters.ofVirtualFunction(config(), List.of()));
  }

  private GuestConfigSpace view(EmulatedRegisters registers) {
    return registers.applyTo(GuestConfigSpace.over(DeviceConfig.readOnly(config()))).build();
  }
}
