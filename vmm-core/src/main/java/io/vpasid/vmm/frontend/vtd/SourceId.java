package io.vpasid.vmm.frontend.vtd;

import io.vpasid.pci.PciAddress;
import java.util.HexFormat;

/// A requester as its DMA names it: bus, device and function number (section 3.4.1).
///
/// ```text
///  15            8 7         3 2        0
/// |      bus      |  device   | function |
/// ```
///
/// @param value 0 to 0xffff
public record SourceId(int value) implements Comparable<SourceId> {

  /// @throws IllegalArgumentException if the value is out of its range
  public SourceId {
    if ((value & ~0xffff) != 0) {
      throw new IllegalArgumentException("A source id has 16 bits, not " + value + ".");
    }
  }

  /// The source id of a function; its domain is the unit's business.
  public static SourceId of(PciAddress address) {
    return new SourceId(address.bus() << 8 | address.device() << 3 | address.function());
  }

  /// Bus number, 0 to 255: which root entry.
  public int bus() {
    return value >>> 8;
  }

  /// Device and function number, 0 to 255: which context entry.
  public int deviceFunction() {
    return value & 0xff;
  }

  @Override
  public int compareTo(SourceId other) {
    return Integer.compare(value, other.value);
  }

  /// As Linux and lspci write it: `6a:01.0`.
  @Override
  public String toString() {
    HexFormat hex = HexFormat.of();
    return hex.toHexDigits((byte) bus())
        + ':'
        + hex.toHexDigits((byte) (deviceFunction() >>> 3))
        + '.'
        + (value & 7);
  }
}
