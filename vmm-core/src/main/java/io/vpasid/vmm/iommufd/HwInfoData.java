package io.vpasid.vmm.iommufd;

import java.util.List;

/// An IOMMU's registers in IOMMU_GET_HW_INFO, by data type.
public sealed interface HwInfoData {

  /// `out_data_type`: which of the formats this is.
  int type();

  /// IOMMU_HW_INFO_TYPE_NONE (0): no registers.
  record None() implements HwInfoData {
    /// The type number.
    public static final int TYPE = 0;

    @Override
    public int type() {
      return TYPE;
    }
  }

  /// IOMMU_HW_INFO_TYPE_INTEL_VTD (1): `struct iommu_hw_info_vtd`.
  ///
  /// @param flags bit 0: errata 772415 of SPR17
  /// @param cap Capability Register (VT-d specification 5.0, section 11.4.2)
  /// @param ecap Extended Capability Register (section 11.4.3)
  record IntelVtd(int flags, long cap, long ecap) implements HwInfoData {
    /// The type number.
    public static final int TYPE = 1;

    @Override
    public int type() {
      return TYPE;
    }

    /// ECAP.NEST, bit 26: nested translation.
    public boolean nested() {
      return (ecap >>> 26 & 1) != 0;
    }

    /// ECAP.PSS, bits 39:35, plus 1: bits of a PASID.
    public int pasidBits() {
      return (int) (ecap >>> 35 & 0x1f) + 1;
    }

    /// ECAP.PASID, bit 40: PASIDs.
    public boolean pasid() {
      return (ecap >>> 40 & 1) != 0;
    }

    /// ECAP.SMTS, bit 43: scalable mode.
    public boolean scalableMode() {
      return (ecap >>> 43 & 1) != 0;
    }

    /// ECAP.FSTS, bit 47: first-stage translation in scalable mode.
    public boolean firstStage() {
      return (ecap >>> 47 & 1) != 0;
    }

    /// CAP.FS5LP, bit 60: five levels in first-stage page tables.
    public boolean fiveLevels() {
      return (cap >>> 60 & 1) != 0;
    }
  }

  /// IOMMU_HW_INFO_TYPE_ARM_SMMUV3 (2): `struct iommu_hw_info_arm_smmuv3`.
  ///
  /// @param flags bit 0: invalidations must be repeated
  /// @param idr the registers SMMU_IDR0 to SMMU_IDR5, six values
  /// @param iidr SMMU_IIDR
  /// @param aidr SMMU_AIDR
  record ArmSmmuV3(int flags, List<Integer> idr, int iidr, int aidr) implements HwInfoData {
    /// The type number.
    public static final int TYPE = 2;

    /// @throws IllegalArgumentException if there are not six IDR values
    public ArmSmmuV3 {
      idr = List.copyOf(idr);
      if (idr.size() != 6) {
        throw new IllegalArgumentException("An SMMUv3 has 6 IDR registers here, not " + idr.size());
      }
    }

    @Override
    public int type() {
      return TYPE;
    }

    /// SMMU_IDR1.SSIDSIZE, bits 10:6: bits of a substream id, which is a PASID.
    public int pasidBits() {
      return idr.get(1) >>> 6 & 0x1f;
    }
  }

  /// IOMMU_HW_INFO_TYPE_TEGRA241_CMDQV (3): `struct iommu_hw_info_tegra241_cmdqv`.
  ///
  /// @param flags none are defined
  /// @param version of the CMDQV
  /// @param log2Queues log2 of the number of virtual command queues of one virtual machine
  /// @param log2Sids log2 of the number of its stream id replacements
  record Tegra241Cmdqv(int flags, int version, int log2Queues, int log2Sids) implements HwInfoData {
    /// The type number.
    public static final int TYPE = 3;

    @Override
    public int type() {
      return TYPE;
    }
  }

  /// IOMMU_HW_INFO_TYPE_AMD (4): `struct iommu_hw_info_amd`.
  ///
  /// @param efr Extended Feature Register
  /// @param efr2 Extended Feature 2 Register
  record Amd(long efr, long efr2) implements HwInfoData {
    /// The type number.
    public static final int TYPE = 4;

    @Override
    public int type() {
      return TYPE;
    }

    /// EFR.PASmax, bits 36:32, plus 1: bits of a PASID.
    public int pasidBits() {
      return (int) (efr >>> 32 & 0x1f) + 1;
    }
  }

  /// A type that has no record here.
  ///
  /// @param type the type number
  /// @param payload the bytes as the kernel wrote them
  record Other(int type, Payload payload) implements HwInfoData {}
}
