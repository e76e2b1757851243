package io.vpasid.vmm.iommufd;

import java.util.List;

/// Request for IOMMU_HWPT_INVALIDATE, in the IOMMU's format.
public sealed interface Invalidation {

  /// `data_type`; its numbers depend on what is invalidated.
  int type();

  /// IOMMU_HWPT_INVALIDATE_DATA_VTD_S1 (0), for a nested page table.
  ///
  /// @param entries the invalidations, in order; none at all asks whether the type is known
  record VtdS1(List<Entry> entries) implements Invalidation {

    /// Keeps a copy.
    public VtdS1 {
      entries = List.copyOf(entries);
    }

    @Override
    public int type() {
      return 0;
    }

    /// `struct iommu_hwpt_vtd_s1_invalidate`.
    ///
    /// @param address the first page's address, a multiple of 4096
    /// @param pages number of pages; all ones, with address 0, for everything
    /// @param flags LEAF 1: only leaf entries have changed
    public record Entry(long address, long pages, int flags) {
      /// Everything that is cached.
      public static final Entry ALL = new Entry(0, -1, 0);
    }
  }

  /// IOMMU_VIOMMU_INVALIDATE_DATA_ARM_SMMUV3 (1), for a virtual IOMMU.
  ///
  /// @param commands the guest's commands, in order
  record ArmSmmuV3(List<Command> commands) implements Invalidation {

    /// Keeps a copy.
    public ArmSmmuV3 {
      commands = List.copyOf(commands);
    }

    @Override
    public int type() {
      return 1;
    }

    /// `struct iommu_viommu_arm_smmuv3_invalidate`.
    ///
    /// @param word0 first doubleword; goes to the kernel little endian
    /// @param word1 second doubleword
    public record Command(long word0, long word1) {}
  }

  /// Any type, any length and any bytes, sent as they are.
  ///
  /// @param type the type number
  /// @param entryLength `entry_len`, bytes of one entry
  /// @param entryCount `entry_num`
  /// @param payload the entries; native byte order
  record Other(int type, int entryLength, int entryCount, Payload payload)
      implements Invalidation {}
}
