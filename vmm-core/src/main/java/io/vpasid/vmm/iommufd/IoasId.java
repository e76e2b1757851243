package io.vpasid.vmm.iommufd;

/// An I/O address space: IOVAs mapped to memory, filled with [IommufdBackend#map].
///
/// @param value the object's number, 32 bits unsigned
public record IoasId(int value) implements PageTableId {

  /// Kind and number, as in `IOAS 3`.
  @Override
  public String toString() {
    return "IOAS " + Integer.toUnsignedString(value);
  }
}
