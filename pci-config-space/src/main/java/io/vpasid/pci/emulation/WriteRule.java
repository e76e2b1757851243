package io.vpasid.pci.emulation;

/// Effect of a guest write on a register where per-bit masks do not say it all.
///
/// Not asked about a write to bytes without a bit that the guest can change. A pure function: it
/// may run more than once for one write, on any vCPU thread.
@FunctionalInterface
public interface WriteRule {

  /// Decides the register's new bits.
  ///
  /// @param before the dword's emulated bits before the write
  /// @param proposed those bits as the masks of the [ConfigPatch] make them
  /// @return the bits that the register takes; those outside the patch's mask, and writable ones in
  ///   bytes that were not written, are ignored
  int apply(int before, int proposed);

  /// The rule of the dword that holds the PASID Capability and PASID Control registers: the
  /// permission enables (bits 18:17) change only while PASID Enable (bit 16) is off or goes off. A
  /// write that tries it keeps them as they are (PCI Express Base Specification 7.0, section
  /// 7.8.9.3).
  static WriteRule pasidControl() {
    return WriteRules.PASID_CONTROL;
  }
}
