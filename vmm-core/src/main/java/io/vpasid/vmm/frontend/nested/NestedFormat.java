package io.vpasid.vmm.frontend.nested;

import io.vpasid.vmm.frontend.vtd.FirstStageTable;
import io.vpasid.vmm.iommufd.HwptData;
import io.vpasid.vmm.iommufd.Invalidation;
import java.util.List;

/// The form in which a host's IOMMU takes a guest's first-stage page table, and invalidations of
/// it.
public interface NestedFormat {

  /// VT-d's own: `struct iommu_hwpt_vtd_s1` and `struct iommu_hwpt_vtd_s1_invalidate`.
  NestedFormat VTD =
      new NestedFormat() {
        @Override
        public HwptData pageTable(FirstStageTable table) {
          long flags =
              (table.supervisorRequests() ? HwptData.VtdS1.SRE : 0)
                  | (table.writeProtect() ? HwptData.VtdS1.WPE : 0)
                  | (table.extendedAccessed() ? HwptData.VtdS1.EAFE : 0);
          return new HwptData.VtdS1(flags, table.pointer(), table.addressWidth());
        }

        @Override
        public Invalidation invalidation(List<Invalidation.VtdS1.Entry> entries) {
          return new Invalidation.VtdS1(entries);
        }
      };

  /// A page table as IOMMU_HWPT_ALLOC takes it.
  HwptData pageTable(FirstStageTable table);

  /// Invalidations as IOMMU_HWPT_INVALIDATE takes them, one entry for each of these, in their
  /// order.
  Invalidation invalidation(List<Invalidation.VtdS1.Entry> entries);
}
