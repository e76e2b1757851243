package io.vpasid.pci.emulation;

/// What a register makes of a guest write where per-bit masks do not say it all.
///
/// A pure function: it may run more than once for one write, on any vCPU thread.
@FunctionalInterface
public interface WriteRule {

  /// Decides the register's new bits.
  ///
  /// @param before the dword's emulated bits before the write
  /// @param proposed those bits as the masks of the [ConfigPatch] make them
  /// @return the bits that the register takes; those outside the patch's mask are ignored
  int apply(int before, int proposed);
}
