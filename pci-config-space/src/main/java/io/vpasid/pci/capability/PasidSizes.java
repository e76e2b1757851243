package io.vpasid.pci.capability;

/// Sizes of the PASID extended capability and of what it reports (PCI Express Base Specification
/// 7.0, section 7.8.9).
public final class PasidSizes {
  /// Bytes of the capability.
  public static final int LENGTH = 8;

  /// The widest PASID, in bits.
  public static final int MAX_WIDTH = 20;

  private PasidSizes() {}
}
