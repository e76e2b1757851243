package io.vpasid.pci.emulation;

/// Effect of a guest write on a register where another register has a say.
///
/// Not asked about a write to bytes without a bit that the guest can change. A pure function: it
/// may run more than once for one write, on any vCPU thread.
@FunctionalInterface
interface DependentRule {

  /// Decides the register's new bits.
  ///
  /// @param before the dword's emulated bits before the write
  /// @param proposed those bits as the masks of the [ConfigPatch] make them
  /// @param other the emulated bits of the other dword as they are now
  /// @return the bits that the register takes; those outside the patch's mask, and writable ones in
  ///   bytes that were not written, are ignored
  int apply(int before, int proposed, int other);
}
