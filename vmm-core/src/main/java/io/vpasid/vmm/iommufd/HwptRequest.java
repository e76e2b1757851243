package io.vpasid.vmm.iommufd;

import java.util.EnumSet;
import java.util.Set;

/// The arguments of IOMMU_HWPT_ALLOC.
///
/// ```java
/// HwptRequest.paging(device.id(), ioas).with(HwptFlag.PASID)
/// HwptRequest.nested(device.id(), parent, new HwptData.VtdS1(0, root, 48)).with(HwptFlag.PASID)
/// ```
///
/// @param device the device for whose IOMMU it is made (`dev_id`)
/// @param parent what it is made on (`pt_id`): an IOAS, a nest parent or a virtual IOMMU
/// @param flags `flags`
/// @param data what the guest says of its page table; [HwptData.None] on an IOAS
/// @param faultQueue `fault_id`; ignored without [HwptFlag#FAULT_ID_VALID]
public record HwptRequest(
    DeviceId device, HwptParentId parent, Set<HwptFlag> flags, HwptData data, FaultId faultQueue) {

  /// Keeps a copy.
  public HwptRequest {
    flags = Set.copyOf(flags);
  }

  /// A page table that translates as the IOAS maps.
  public static HwptRequest paging(DeviceId device, IoasId ioas) {
    return new HwptRequest(device, ioas, Set.of(), HwptData.None.NONE, FaultId.NONE);
  }

  /// A page table of the guest, nested on the virtual machine's.
  ///
  /// @param parent a nest parent, or a virtual IOMMU on one
  public static HwptRequest nested(DeviceId device, HwptParentId parent, HwptData data) {
    return new HwptRequest(device, parent, Set.of(), data, FaultId.NONE);
  }

  /// The same with one flag more.
  public HwptRequest with(HwptFlag flag) {
    Set<HwptFlag> more = EnumSet.of(flag);
    more.addAll(flags);
    return new HwptRequest(device, parent, more, data, faultQueue);
  }

  /// The same with page faults sent to a queue.
  public HwptRequest withFaults(FaultId queue) {
    return new HwptRequest(device, parent, with(HwptFlag.FAULT_ID_VALID).flags, data, queue);
  }

  /// The flags as the number in `flags`.
  public int flagBits() {
    int bits = 0;
    for (HwptFlag flag : flags) {
      bits |= flag.bit();
    }
    return bits;
  }
}
