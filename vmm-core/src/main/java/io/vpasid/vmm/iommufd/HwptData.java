package io.vpasid.vmm.iommufd;

/// A guest's description of its own page table, in the IOMMU's format (`data_type` of
/// IOMMU_HWPT_ALLOC).
public sealed interface HwptData {

  /// `data_type`: which of the formats this is.
  int type();

  /// IOMMU_HWPT_DATA_NONE (0): not nested.
  record None() implements HwptData {
    /// The only value there is.
    public static final None NONE = new None();

    @Override
    public int type() {
      return 0;
    }
  }

  /// IOMMU_HWPT_DATA_VTD_S1 (1): `struct iommu_hwpt_vtd_s1`.
  ///
  /// Only length and parent are checked when it is made; the rest when it is attached.
  ///
  /// @param flags SRE 1, EAFE 2, WPE 4
  /// @param pageTableAddress guest-physical address of the guest's first-stage page table
  /// @param addressWidth 48 or 57
  record VtdS1(long flags, long pageTableAddress, int addressWidth) implements HwptData {
    /// Supervisor requests.
    public static final long SRE = 1;

    /// Extended accessed flag.
    public static final long EAFE = 2;

    /// Write protection for supervisors.
    public static final long WPE = 4;

    @Override
    public int type() {
      return 1;
    }
  }

  /// IOMMU_HWPT_DATA_ARM_SMMUV3 (2): `struct iommu_hwpt_arm_smmuv3`; only on a virtual IOMMU.
  ///
  /// @param ste0 first doubleword of the guest's stream table entry; goes to the kernel little
  ///   endian
  /// @param ste1 second doubleword
  record ArmSmmuV3(long ste0, long ste1) implements HwptData {
    @Override
    public int type() {
      return 2;
    }
  }

  /// IOMMU_HWPT_DATA_AMD_GUEST (3): `struct iommu_hwpt_amd_guest`; only on a virtual IOMMU.
  ///
  /// @param dte0 first quadword of the guest's device table entry
  /// @param dte1 second quadword
  /// @param dte2 third quadword
  /// @param dte3 fourth quadword
  record AmdGuest(long dte0, long dte1, long dte2, long dte3) implements HwptData {
    @Override
    public int type() {
      return 3;
    }
  }

  /// Any type and any bytes, sent as they are.
  ///
  /// @param type the type number
  /// @param payload the structure; native byte order
  record Other(int type, Payload payload) implements HwptData {}
}
