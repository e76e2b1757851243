package io.vpasid.pci.emulation;

import io.vpasid.pci.ConfigSpace;

/// The bytes of a capture as a device whose registers cannot be written.
record ReadOnlyConfig(ConfigSpace config) implements DeviceConfig {

  @Override
  public int size() {
    return config.size();
  }

  @Override
  public int read(int offset, int width) {
    return switch (width) {
      case 1 -> config.u8(offset);
      case 2 -> config.u16(offset);
      default -> config.u32(offset);
    };
  }

  @Override
  public void write(int offset, int width, int value) {}
}
