package io.vpasid.vmm.frontend.vtd;

/// The root of a guest's tables, as the unit took it with SRTP, and whether translation is on. A
/// snapshot that never changes; a new one takes its place.
///
/// ```text
///         63                   12 11 10 9        0
/// RTADDR | root table address    | TTM |    0     |
/// ```
///
/// @param address of the root table, a multiple of 4096
/// @param mode TTM
/// @param enabled GSTS.TES
record RootTable(long address, Mode mode, boolean enabled) {
  /// After reset.
  static final RootTable NONE = new RootTable(0, Mode.LEGACY, false);

  /// After the end: everything faults.
  static final RootTable CLOSED = new RootTable(0, Mode.INVALID, true);

  /// TTM, translation table mode (section 11.4.5).
  enum Mode {
    /// 00.
    LEGACY,
    /// 01.
    SCALABLE,
    /// 10, reserved, and 11, abort-DMA, which is not offered.
    INVALID
  }

  /// The table of a new RTADDR; translation stays as it is.
  RootTable with(long rtaddr) {
    Mode mode =
        switch (Bits.field(rtaddr, 11, 10)) {
          case 0 -> Mode.LEGACY;
          case 1 -> Mode.SCALABLE;
          default -> Mode.INVALID;
        };
    return new RootTable(rtaddr & ~0xfffL, mode, enabled);
  }

  /// With translation on or off.
  RootTable enabled(boolean on) {
    return new RootTable(address, mode, on);
  }

  boolean isScalable() {
    return mode == Mode.SCALABLE;
  }
}
