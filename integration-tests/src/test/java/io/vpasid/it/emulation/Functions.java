package io.vpasid.it.emulation;

import io.vpasid.pci.ConfigSpace;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/// Configuration spaces as captured from a running machine.
final class Functions {
  static final int DEVICE_CONTROL = 0x48;
  static final int ATS_CONTROL = 0x226;
  static final int PRI_CONTROL = 0x244;

  private Functions() {}

  /// An endpoint with function-level reset and End-End TLP prefixes, AER at 0x100, ATS at 0x220 and
  /// PRI at 0x240.
  static ConfigSpace withAtsAndPri() {
    ByteBuffer bytes =
        ByteBuffer.allocate(ConfigSpace.EXTENDED_SIZE).order(ByteOrder.LITTLE_ENDIAN);
    bytes.putInt(0x00, 0x0001f00d);
    bytes.putInt(0x04, 0x00100406);
    bytes.putInt(0x08, 0x02000000);
    bytes.putInt(0x10, 0xfe00000c);
    bytes.put(0x34, (byte) 0x40);
    bytes.putInt(0x40, 0x00020010);
    bytes.putInt(0x44, 0x10008022);
    bytes.putInt(0x64, 0x00200000);
    extended(bytes, 0x100, 0x0001, 0x220);
    extended(bytes, 0x220, 0x000f, 0x240);
    bytes.putInt(0x224, 0x80000060);
    extended(bytes, 0x240, 0x0013, 0);
    bytes.putInt(0x244, 0x81000000);
    return ConfigSpace.of(bytes.array());
  }

  private static void extended(ByteBuffer bytes, int offset, int id, int next) {
    bytes.putInt(offset, id | 1 << 16 | next << 20);
  }
}
