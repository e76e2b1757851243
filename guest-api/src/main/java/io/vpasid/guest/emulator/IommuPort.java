package io.vpasid.guest.emulator;

import io.vpasid.vmm.frontend.GuestMemory;

/// The guest's way to what it needs to drive a virtual IOMMU of VT-d: its memory, the unit's page
/// of registers, and the BARs of the function behind the unit. In this process, or through
/// connections.
public interface IommuPort {
  /// Bytes of memory that the guest has, from address 0 on.
  int MEMORY_SIZE = 16 << 20;

  /// Device number of the function on the guest's first bus: 00:04.0.
  int DEVICE = 4;

  /// The function's source id.
  int FUNCTION = DEVICE << 3;

  /// The guest's memory.
  GuestMemory memory();

  /// Reads a register of the unit.
  ///
  /// @param offset of its first byte
  /// @param width 4 or 8 bytes
  /// @return the value, zero-extended
  long readRegister(int offset, int width);

  /// Writes a register of the unit.
  ///
  /// @param offset of its first byte
  /// @param width 4 or 8 bytes
  void writeRegister(int offset, int width, long value);

  /// Reads a register of the function.
  ///
  /// @param bar index of the BAR, 0 to 5
  /// @param offset of its first byte
  /// @param width 4 or 8 bytes
  /// @return the value, zero-extended
  long readBar(int bar, int offset, int width);

  /// Writes a register of the function.
  ///
  /// @param bar index of the BAR, 0 to 5
  /// @param offset of its first byte
  /// @param width 4 or 8 bytes
  void writeBar(int bar, int offset, int width, long value);
}
