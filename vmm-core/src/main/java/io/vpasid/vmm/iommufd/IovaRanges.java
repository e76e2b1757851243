package io.vpasid.vmm.iommufd;

import java.util.List;

/// Answer to IOMMU_IOAS_IOVA_RANGES for an I/O address space.
///
/// @param allowed the ranges that may be mapped, ascending
/// @param alignment of IOVAs, lengths and addresses, in bytes, a power of two; 1 while no device is
///   attached
public record IovaRanges(List<Range> allowed, long alignment) {

  /// Keeps a copy.
  public IovaRanges {
    allowed = List.copyOf(allowed);
  }

  /// A run of IOVAs.
  ///
  /// @param start the first, 64 bits unsigned
  /// @param last the last, included, 64 bits unsigned
  public record Range(long start, long last) {

    /// Both ends in hexadecimal.
    @Override
    public String toString() {
      return "0x" + Long.toHexString(start) + "-0x" + Long.toHexString(last);
    }
  }
}
