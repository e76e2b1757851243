package io.vpasid.it.invariant;

import io.vpasid.pci.emulation.ConfigPatch;
import io.vpasid.pci.emulation.DeviceConfig;
import java.util.Locale;

/// A device all of whose registers take what is written.
// The array is a component on purpose: it is what the device is.
@SuppressWarnings("ArrayRecordComponent")
record Memory(byte[] bytes) implements DeviceConfig {

  @Override
  public int size() {
    return bytes.length;
  }

  @Override
  public int read(int offset, int width) {
    int value = 0;
    for (int i = width - 1; i >= 0; i--) {
      value = (value << 8) | (bytes[offset + i] & 0xff);
    }
    return value;
  }

  @Override
  public void write(int offset, int width, int value) {
    for (int i = 0; i < width; i++) {
      bytes[offset + i] = (byte) (value >>> (i << 3));
    }
  }

  /// The dwords that are emulated are as they were.
  void requireUntouched(Trial trial) {
    for (ConfigPatch patch : trial.result().patches()) {
      for (int at = patch.offset(); at < patch.offset() + 4; at++) {
        if (bytes[at] != trial.view()[at]) {
          throw new AssertionError(
              String.format(Locale.ROOT, "a write reached the device at 0x%03x", at));
        }
      }
    }
  }
}
