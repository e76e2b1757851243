package io.vpasid.pci.capability;

import io.vpasid.pci.ConfigSpace;

/// Configuration spaces whose upper part only repeats the lower one: the device or a bridge above
/// it ignores some of the register number's upper bits.
final class MirroredSpace {
  private static final int[] PERIODS = {0x100, 0x200, 0x400, 0x800};

  private MirroredSpace() {}

  /// The distance after which the headers of an extended space repeat: 0x100, 0x200, 0x400 or
  /// 0x800, or 0 if they do not.
  static int period(ConfigSpace config) {
    int id = config.u32(0);
    if (id == 0 || id == 0xffffffff) {
      return 0;
    }
    for (int period : PERIODS) {
      if (repeats(config, id, period)) {
        return period;
      }
    }
    return 0;
  }

  private static boolean repeats(ConfigSpace config, int id, int period) {
    for (int offset = period; offset < config.size(); offset += period) {
      if (config.u32(offset) != id) {
        return false;
      }
    }
    return true;
  }
}
