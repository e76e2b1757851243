package io.vpasid.pci.emulation;

import java.util.Locale;

/// One dword of the guest view that we serve, in whole or in part, in place of the device.
///
/// A bit outside `mask` stays the device's. A byte with a bit in `mask` is never written to the
/// device, and one that lies in `mask` with all its bits is not read from it either.
///
/// @param offset of the dword, a multiple of 4
/// @param mask the bits that we serve
/// @param bits their values after power-on; no bit outside `mask`
/// @param writable the bits that take what the guest writes; no bit outside `mask`
/// @param writeOneToClear the bits that become 0 when the guest writes 1 (RW1C); no bit outside
///   `mask`, none that is also in `writable`
/// @param sticky the bits that a reset leaves as they are; no bit outside `mask`
public record ConfigPatch(
    int offset, int mask, int bits, int writable, int writeOneToClear, int sticky) {

  /// @throws IllegalArgumentException if the offset is not a dword's, or a bit stands where it may
  ///   not
  public ConfigPatch {
    if (offset < 0 || (offset & 3) != 0) {
      throw new IllegalArgumentException(
          "A patch covers a dword: its offset is a multiple of 4, not " + offset);
    }
    if (((bits | writable | writeOneToClear | sticky) & ~mask) != 0
        || (writable & writeOneToClear) != 0) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "Patch at 0x%03x: mask %08x, bits %08x, writable %08x, write-1-to-clear %08x, sticky"
                  + " %08x disagree",
              offset,
              mask,
              bits,
              writable,
              writeOneToClear,
              sticky));
    }
  }

  /// A patch without sticky bits: a reset gives all of them the values in `bits`.
  ///
  /// @throws IllegalArgumentException if the offset is not a dword's, or a bit stands where it may
  ///   not
  public ConfigPatch(int offset, int mask, int bits, int writable, int writeOneToClear) {
    this(offset, mask, bits, writable, writeOneToClear, 0);
  }

  /// A whole dword that reads as `bits` and ignores writes.
  public static ConfigPatch readOnly(int offset, int bits) {
    return new ConfigPatch(offset, 0xffffffff, bits, 0, 0);
  }

  /// A whole dword that reads as `bits` until the guest writes its `writable` bits.
  public static ConfigPatch register(int offset, int bits, int writable) {
    return new ConfigPatch(offset, 0xffffffff, bits, writable, 0);
  }
}
