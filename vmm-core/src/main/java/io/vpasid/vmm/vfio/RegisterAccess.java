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

  /// Reads one register, which may have 8 bytes.
  @FunctionalInterface
  public interface WideRead {
    /// The value, little endian, zero-extended.
    ///
    /// @param width 1, 2, 4 or 8 bytes
    long at(long offset, int width);
  }

  /// Writes one register, which may have 8 bytes.
  @FunctionalInterface
  public interface WideWrite {
    /// Writes the value, little endian; bits above the width are ignored.
    ///
    /// @param width 1, 2, 4 or 8 bytes
    void at(long offset, int width, long value);
  }

  /// Fills a buffer from registers of up to 8 bytes.
  ///
  /// @param offset of the first byte
  /// @param destination is filled to its limit; little endian
  public static void readWide(long offset, ByteBuffer destination, WideRead register) {
    long at = offset;
    while ((at & 7) == 0 && destination.remaining() >= Long.BYTES) {
      destination.putLong(register.at(at, Long.BYTES));
      at += Long.BYTES;
    }
    read(at, destination, (rest, width) -> (int) register.at(rest, width));
  }

  /// Writes what a buffer has left to registers of up to 8 bytes.
  ///
  /// @param offset of the first byte
  /// @param source what is written; little endian
  public static void writeWide(long offset, ByteBuffer source, WideWrite register) {
    long at = offset;
    while ((at & 7) == 0 && source.remaining() >= Long.BYTES) {
      register.at(at, Long.BYTES, source.getLong());
      at += Long.BYTES;
    }
    write(
        at,
        source,
        (rest, width, value) -> register.at(rest, width, Integer.toUnsignedLong(value)));
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
