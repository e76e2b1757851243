package io.vpasid.pci.emulation;

import io.vpasid.pci.ConfigSpace;
import io.vpasid.pci.Header;

/// A Base Address Register that a function implements: what it decodes, and how much of it.
///
/// ```text
///  memory 31                         4  3  2 1  0
///        |      Base Address           | P|Type|0 |   P prefetchable; Type 00 32-bit, 10 64-bit,
///                                                     whose upper half is the next register
///  I/O    31                               2 1  0
///        |      Base Address                |rsv|1 |
///
///  ROM    31                   11 10       1    0
///        |      Base Address     | reserved | E |     E enable
/// ```
///
/// PCI Express Base Specification 7.0, sections 7.5.1.2.1 and 7.5.1.2.4.
///
/// @param index 0 to 5, or [#ROM]
/// @param type what it decodes
/// @param prefetchable whether reads have no side effects; never for I/O and ROM
/// @param size in bytes, a power of two: 4 to 2^31 for I/O, 16 to 2^31 for 32-bit memory, 16 to
///   2^62 for 64-bit memory, 2048 to 2^24 for ROM
public record Bar(int index, Type type, boolean prefetchable, long size) {

  /// Index of the Expansion ROM Base Address register.
  public static final int ROM = 6;

  /// Kind of space that a Base Address Register decodes.
  public enum Type {
    IO(4, 1L << 31, 1),
    MEMORY_32(16, 1L << 31, 0),
    MEMORY_64(16, 1L << 62, 4),
    EXPANSION_ROM(1L << 11, 1L << 24, 0);

    private final long smallest;
    private final long largest;
    private final int typeBits;

    Type(long smallest, long largest, int typeBits) {
      this.smallest = smallest;
      this.largest = largest;
      this.typeBits = typeBits;
    }
  }

  private static final int PREFETCHABLE = 1 << 3;
  private static final int ROM_ENABLE = 1;

  /// @throws IllegalArgumentException if there is no such register, or it cannot have that size
  public Bar {
    if (index < 0 || index > ROM || (index == ROM) != (type == Type.EXPANSION_ROM)) {
      throw new IllegalArgumentException(
          "BARs have the indices 0 to 5, the expansion ROM has 6: not " + index + " for " + type);
    }
    if (type == Type.MEMORY_64 && index == 5) {
      throw new IllegalArgumentException(
          "BAR 5 cannot have 64 bits: there is no register for its upper half");
    }
    if (prefetchable && (type == Type.IO || type == Type.EXPANSION_ROM)) {
      throw new IllegalArgumentException("BAR " + index + " cannot be prefetchable: it is " + type);
    }
    if (Long.bitCount(size) != 1 || size < type.smallest || size > type.largest) {
      throw new IllegalArgumentException(
          "The size of BAR %s (%s) has to be a power of two from %s to %s bytes, not %s"
              .formatted(index, type, type.smallest, type.largest, size));
    }
  }

  /// An I/O range.
  ///
  /// @throws IllegalArgumentException if there is no such register, or it cannot have that size
  public static Bar io(int index, long size) {
    return new Bar(index, Type.IO, false, size);
  }

  /// Memory in 32-bit address space, not prefetchable.
  ///
  /// @throws IllegalArgumentException if there is no such register, or it cannot have that size
  public static Bar memory32(int index, long size) {
    return new Bar(index, Type.MEMORY_32, false, size);
  }

  /// Memory in 64-bit address space, not prefetchable; it also takes the next register.
  ///
  /// @throws IllegalArgumentException if there is no such register, or it cannot have that size
  public static Bar memory64(int index, long size) {
    return new Bar(index, Type.MEMORY_64, false, size);
  }

  /// The expansion ROM.
  ///
  /// @throws IllegalArgumentException if it cannot have that size
  public static Bar rom(long size) {
    return new Bar(ROM, Type.EXPANSION_ROM, false, size);
  }

  /// The register as a capture has it, whose low bits tell everything but the size.
  ///
  /// @param index 0 to 5, or [#ROM]; not that of a 64-bit register's upper half
  /// @throws IllegalArgumentException if there is no such register, or it cannot have that size
  public static Bar captured(ConfigSpace config, int index, long size) {
    if (index < 0 || index >= ROM) {
      return new Bar(index, Type.EXPANSION_ROM, false, size);
    }
    int low = config.u32(Header.BAR0 + 4 * index);
    if ((low & 1) != 0) {
      return io(index, size);
    }
    Type type = (low & 6) == Type.MEMORY_64.typeBits ? Type.MEMORY_64 : Type.MEMORY_32;
    return new Bar(index, type, (low & PREFETCHABLE) != 0, size);
  }

  /// The same memory, prefetchable.
  ///
  /// @throws IllegalArgumentException if it is no memory
  public Bar asPrefetchable() {
    return new Bar(index, type, true, size);
  }

  /// True if it decodes memory addresses.
  public boolean isMemory() {
    return type != Type.IO;
  }

  /// True if the next register is the upper half of this one.
  boolean isPair() {
    return type == Type.MEMORY_64;
  }

  /// The bits that say what it is, and never change.
  int typeBits() {
    return type.typeBits | (prefetchable ? PREFETCHABLE : 0);
  }

  /// The bits of the register, or of its lower half, that take what is written if it decodes `size`
  /// bytes.
  int writable(long size) {
    int address = (int) -size;
    return type == Type.EXPANSION_ROM ? address | ROM_ENABLE : address;
  }

  /// Likewise for the upper half.
  static int writableUpper(long size) {
    return (int) (-size >>> 32);
  }
}
