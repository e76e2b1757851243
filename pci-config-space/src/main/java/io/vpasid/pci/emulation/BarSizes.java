package io.vpasid.pci.emulation;

import java.util.Optional;

/// The sizes that one BAR can be given, as the Resizable BAR capability lists them.
///
/// ```text
///         31                                        4 3     0
///  +0x04 |  1 MiB (bit 4) to 128 TiB (bit 31)        | rsvd  |  per BAR
///         31                   16 15 14 13     8 7   5 4 3 2 0
///  +0x08 | 256 TiB to 8 EiB      | rsv | BAR Size|  n  |rsv|idx|
/// ```
///
/// PCI Express Base Specification 7.0, section 7.8.6.
///
/// @param control offset in the capability of the BAR's control register
/// @param supported bit n for 2^n MiB
record BarSizes(int control, long supported) {
  private static final int MIB_SHIFT = 20;
  private static final int MOST_BARS = 6;

  /// The sizes of `bar`, if it is resizable and its size is one of them.
  static Optional<BarSizes> of(RegisterBlock resizable, Bar bar) {
    int bars = Math.min(resizable.bits(0x08, 7, 5), MOST_BARS);
    for (int i = 0; i < bars; i++) {
      int control = 0x08 + 8 * i;
      if (resizable.bits(control, 2, 0) == bar.index() && bar.index() != Bar.ROM) {
        long low = resizable.bits(control - 4, 31, 4) & 0xfffffffL;
        long supported = low | (long) resizable.bits(control, 31, 16) << 28;
        int code = code(bar.size());
        return code >= 0 && (supported >>> code & 1) == 1 && resizable.contains(control + 3)
            ? Optional.of(new BarSizes(control, supported))
            : Optional.empty();
      }
    }
    return Optional.empty();
  }

  /// The BAR Size field's value for a size in bytes; negative if there is none.
  static int code(long size) {
    return Long.numberOfTrailingZeros(size) - MIB_SHIFT;
  }

  /// The size in bytes that a control register selects.
  static long selected(int control) {
    return 1L << MIB_SHIFT << (control >>> 8 & 0x3f);
  }

  /// The smallest size in bytes.
  long smallest() {
    return 1L << MIB_SHIFT << Long.numberOfTrailingZeros(supported);
  }
}
