package io.vpasid.pci.emulation;

import io.vpasid.pci.ConfigSpace;

/// The configuration registers below the guest's view: a VFIO region, or bytes in memory.
///
/// Called on vCPU threads, by several at once. The accesses that [GuestConfigSpace] makes have a
/// width of 1, 2 or 4 bytes, are aligned to their width and lie inside the space.
public interface DeviceConfig {

  /// Number of bytes, 256 or 4096.
  int size();

  /// Reads a register.
  ///
  /// @param offset of its first byte
  /// @param width 1, 2 or 4 bytes
  /// @return the value, little endian, zero-extended
  int read(int offset, int width);

  /// Writes a register.
  ///
  /// @param offset of its first byte
  /// @param width 1, 2 or 4 bytes
  /// @param value the value, little endian; bits above the width are ignored
  void write(int offset, int width, int value);

  /// Registers that read as `config` has them and ignore every write: a device of which only a
  /// capture is at hand.
  static DeviceConfig readOnly(ConfigSpace config) {
    return new ReadOnlyConfig(config);
  }
}
