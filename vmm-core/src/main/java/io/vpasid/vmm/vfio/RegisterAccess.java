package io.vpasid.vmm.vfio;

import java.nio.ByteBuffer;

/// Reads and writes any range of registers with accesses that registers take: 4, 2 or 1 bytes,
/// aligned, the widest that fits.
public final class RegisterAccess {
  private RegisterAccess() {}

  /// Reads one register.
  @FunctionalInterface
  public interface Read {
    /// The value, little endian.
    ///
    /// @param width 1, 2 or 4 bytes
    int at(long offset, int width);
  }

  /// Writes one register.
  @FunctionalInterface
  public interface Write {
    /// Writes the value, little endian; bits above the width are ignored.
    ///
    /// @param width 1, 2 or 4 bytes
    void at(long offset, int width, int value);
  }

  /// Fills a buffer.
  ///
  /// @param offset of the first byte
  /// @param destination is filled to its limit; little endian
  public static void read(long offset, ByteBuffer destination, Read register) {
    long at = offset;
    while (destination.hasRemaining()) {
      int width = width(at, destination.remaining());
      int value = register.at(at, width);
      switch (width) {
        case 4 -> destination.putInt(value);
        case 2 -> destination.putShort((short) value);
        default -> destination.put((byte) value);
      }
      at += width;
    }
  }

  /// Writes what a buffer has left.
  ///
  /// @param offset of the first byte
  /// @param source what is written; little endian
  public static void write(long offset, ByteBuffer source, Write register) {
    long at = offset;
    while (source.hasRemaining()) {
      int width = width(at, source.remaining());
      int value =
          switch (width) {
            case 4 -> source.getInt();
            case 2 -> source.getShort();
            default -> source.get();
          };
      register.at(at, width, value);
      at += width;
    }
  }

  private static int width(long offset, int remaining) {
    if ((offset & 3) == 0 && remaining >= 4) {
      return 4;
    }
    return (offset & 1) == 0 && remaining >= 2 ? 2 : 1;
  }
}
