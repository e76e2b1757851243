package io.vpasid.vmm.iommufd;

/// A device that is bound to the context (`dev_id`).
///
/// @param value the object's number, 32 bits unsigned
public record DeviceId(int value) implements ObjectId {

  /// Kind and number, as in `device 3`.
  @Override
  public String toString() {
    return "device " + Integer.toUnsignedString(value);
  }
}
