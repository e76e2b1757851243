package io.vpasid.vmm.iommufd;

/// A virtual IOMMU: the share of a physical IOMMU that one virtual machine has.
///
/// @param value the object's number, 32 bits unsigned
public record ViommuId(int value) implements HwptParentId {

  /// Kind and number, as in `vIOMMU 3`.
  @Override
  public String toString() {
    return "vIOMMU " + Integer.toUnsignedString(value);
  }
}
