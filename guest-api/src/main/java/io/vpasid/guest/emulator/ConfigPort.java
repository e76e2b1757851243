package io.vpasid.guest.emulator;

/// The guest's way to a function's configuration space: in this process, or through a connection.
public interface ConfigPort {

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
}
