package io.vpasid.it.invariant;

import io.vpasid.pci.ByteRange;
import io.vpasid.pci.emulation.DeviceConfig;
import java.util.List;

/// A device that takes no access to some of its bytes, and none that no bus makes.
// The array is a component on purpose: it is read and never compared.
@SuppressWarnings("ArrayRecordComponent")
record GuardedDevice(byte[] bytes, List<ByteRange> guarded) implements DeviceConfig {

  @Override
  public int size() {
    return bytes.length;
  }

  @Override
  public int read(int offset, int width) {
    check("read", offset, width);
    int value = 0;
    for (int i = width - 1; i >= 0; i--) {
      value = (value << 8) | (bytes[offset + i] & 0xff);
    }
    return value;
  }

  @Override
  public void write(int offset, int width, int value) {
    check("write", offset, width);
  }

  private void check(String what, int offset, int width) {
    ByteRange range = new ByteRange(offset, width);
    if (offset % width != 0 || range.end() > bytes.length || width > 4 || width == 3) {
      throw new AssertionError(what + " of " + range + " that no bus makes");
    }
    for (ByteRange one : guarded) {
      if (one.overlaps(range)) {
        throw new AssertionError(what + " of " + range + " reaches the device in " + one);
      }
    }
  }
}
