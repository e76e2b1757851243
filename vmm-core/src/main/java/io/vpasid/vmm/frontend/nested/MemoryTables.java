package io.vpasid.vmm.frontend.nested;

import io.vpasid.vmm.iommufd.HwInfoData;
import io.vpasid.vmm.iommufd.HwptFlag;
import io.vpasid.vmm.iommufd.HwptId;
import io.vpasid.vmm.iommufd.HwptRequest;
import io.vpasid.vmm.iommufd.IoasId;
import io.vpasid.vmm.iommufd.IommufdBackend;
import java.util.HashMap;
import java.util.Map;

/// The page tables that are a guest's memory as it is; with nesting, others are made on them.
///
/// Functions behind IOMMUs of the host with the same registers share one: what the kernel compares
/// before it lets a function use a page table that was made for another are the capabilities of
/// their IOMMUs. An IOMMU that shows no registers shares none.
final class MemoryTables {
  private final IommufdBackend iommufd;
  private final IoasId memory;
  private final boolean nests;
  private final Map<GuestFunction, Table> tables = new HashMap<>();

  private record Table(HwInfoData behind, HwptId pageTable) {}

  /// @param memory all of the guest's memory, at its guest-physical addresses
  /// @param nests whether others are made on them
  MemoryTables(IommufdBackend iommufd, IoasId memory, boolean nests) {
    this.iommufd = iommufd;
    this.memory = memory;
    this.nests = nests;
  }

  /// The page table for a function, made if there is none that it can share.
  ///
  /// @throws io.vpasid.vmm.iommufd.IommufdException if it cannot be made
  HwptId of(GuestFunction function) {
    Table present = tables.get(function);
    if (present == null) {
      present = find(function);
      tables.put(function, present);
    }
    return present.pageTable;
  }

  private Table find(GuestFunction function) {
    HwInfoData behind = function.function().device().hwInfo().data();
    if (!(behind instanceof HwInfoData.None)) {
      for (Table table : tables.values()) {
        if (table.behind.equals(behind)) {
          return table;
        }
      }
    }
    HwptRequest request = HwptRequest.paging(function.device(), memory).with(HwptFlag.PASID);
    return new Table(
        behind, iommufd.hwptAlloc(nests ? request.with(HwptFlag.NEST_PARENT) : request));
  }

  /// A function goes, and with the last one its page table. Nothing of it is attached or nested.
  void remove(GuestFunction function) {
    Table table = tables.remove(function);
    if (table != null && !tables.containsValue(table)) {
      iommufd.destroy(table.pageTable);
    }
  }
}
