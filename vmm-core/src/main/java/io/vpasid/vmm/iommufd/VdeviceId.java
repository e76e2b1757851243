package io.vpasid.vmm.iommufd;

/// A device as a virtual IOMMU knows it.
///
/// @param value the object's number, 32 bits unsigned
public record VdeviceId(int value) implements ObjectId {

  /// Kind and number, as in `vdevice 3`.
  @Override
  public String toString() {
    return "vdevice " + Integer.toUnsignedString(value);
  }
}
