package io.vpasid.it.realkernel;

/// The IOMMU of a machine that test classes run in.
public enum GuestIommu {
  /// That of QEMU, Intel VT-d in scalable mode, in front of the [PhysicalFunction]s.
  QEMU,
  /// Ours, with page tables of the guest that a simulated host walks, in front of [VtdFunctions].
  NESTED,
  /// Ours, with page tables of the guest that are copied, in front of [VtdFunctions].
  SHADOW
}
