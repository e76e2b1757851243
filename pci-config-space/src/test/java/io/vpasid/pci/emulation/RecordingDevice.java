package io.vpasid.pci.emulation;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/// A device that remembers every access and whose registers hold whatever is written.
final class RecordingDevice implements DeviceConfig {
  final byte[] bytes = new byte[4096];
  final List<String> accesses = new ArrayList<>();

  RecordingDevice() {
    new Random(7).nextBytes(bytes);
  }

  @Override
  public int size() {
    return bytes.length;
  }

  @Override
  public int read(int offset, int width) {
    accesses.add("r" + width + "@" + Integer.toHexString(offset));
    int value = 0;
    for (int i = 0; i < width; i++) {
      value |= (bytes[offset + i] & 0xff) << (8 * i);
    }
    return value;
  }

  @Override
  public void write(int offset, int width, int value) {
    accesses.add("w" + width + "@" + Integer.toHexString(offset));
    for (int i = 0; i < width; i++) {
      bytes[offset + i] = (byte) (value >>> (8 * i));
    }
  }
}
