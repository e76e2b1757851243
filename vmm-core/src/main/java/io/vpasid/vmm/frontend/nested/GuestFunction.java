package io.vpasid.vmm.frontend.nested;

import io.vpasid.vmm.PassthroughFunction;
import io.vpasid.vmm.frontend.vtd.SourceId;
import io.vpasid.vmm.iommufd.DeviceId;
import io.vpasid.vmm.iommufd.HwptFlag;
import io.vpasid.vmm.iommufd.HwptId;
import io.vpasid.vmm.iommufd.HwptRequest;
import io.vpasid.vmm.iommufd.IoasId;
import io.vpasid.vmm.iommufd.IommufdBackend;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// A function whose page tables a guest decides on, with what each of its requesters is attached
/// to, and the page table that is the guest's memory.
final class GuestFunction {
  private final SourceId id;
  private final PassthroughFunction function;

  /// By PASID, 0 for the function itself.
  private final Map<Integer, RequesterState> requesters = new HashMap<>();

  private final SpareTables spares = new SpareTables();
  private @Nullable HwptId memory;

  GuestFunction(SourceId id, PassthroughFunction function) {
    this.id = id;
    this.function = function;
  }

  SourceId id() {
    return id;
  }

  PassthroughFunction function() {
    return function;
  }

  DeviceId device() {
    return function.device().id();
  }

  Map<Integer, RequesterState> requesters() {
    return requesters;
  }

  /// Nested page tables that nothing is attached to.
  SpareTables spares() {
    return spares;
  }

  /// The page table that is the guest's memory as it is; with nesting, others are made on it.
  ///
  /// @throws io.vpasid.vmm.iommufd.IommufdException if it cannot be made
  HwptId memory(IommufdBackend iommufd, IoasId guestMemory, boolean nests) {
    HwptId present = memory;
    if (present == null) {
      HwptRequest request = HwptRequest.paging(device(), guestMemory).with(HwptFlag.PASID);
      present = iommufd.hwptAlloc(nests ? request.with(HwptFlag.NEST_PARENT) : request);
      memory = present;
    }
    return present;
  }

  /// Destroys that page table and those that are nested on it. Nothing is attached to them.
  void destroyPageTables(IommufdBackend iommufd) {
    spares.destroy(iommufd);
    HwptId present = memory;
    if (present != null) {
      memory = null;
      iommufd.destroy(present);
    }
  }
}
