package io.vpasid.vmm.iommufd.simulated;

import io.vpasid.vmm.iommufd.HwptFlag;

/// The bits of [HwptFlag], for arithmetic.
final class HwptFlags {
  static final int NEST_PARENT = HwptFlag.NEST_PARENT.bit();
  static final int DIRTY_TRACKING = HwptFlag.DIRTY_TRACKING.bit();
  static final int FAULT_ID_VALID = HwptFlag.FAULT_ID_VALID.bit();
  static final int PASID = HwptFlag.PASID.bit();

  private HwptFlags() {}
}
