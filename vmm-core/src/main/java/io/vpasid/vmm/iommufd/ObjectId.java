package io.vpasid.vmm.iommufd;

/// Names one object of an iommufd context.
///
/// Ids belong to the context ([IommufdBackend]) that gave them; in another one the same number
/// names something else or nothing. The type says what the caller takes the object for. It is not a
/// proof: the number is what goes to the kernel, and where it names an object of another kind the
/// kernel's error for that case comes back.
public sealed interface ObjectId permits DeviceId, FaultId, HwptParentId, VdeviceId {

  /// The number, 32 bits unsigned; the kernel gives 1 to 2^31 - 1, lowest free first.
  int value();
}
