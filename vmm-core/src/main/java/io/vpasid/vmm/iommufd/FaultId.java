package io.vpasid.vmm.iommufd;

/// A queue of page faults (`fault_id`).
///
/// @param value the object's number, 32 bits unsigned
public record FaultId(int value) implements ObjectId {
  /// No fault queue; the number 0, which no object ever has.
  public static final FaultId NONE = new FaultId(0);

  /// Kind and number, as in `fault queue 3`.
  @Override
  public String toString() {
    return "fault queue " + Integer.toUnsignedString(value);
  }
}
