package io.vpasid.pci.emulation;

/// Learns of every guest write to one dword, after the register took it.
///
/// Runs on the vCPU thread that wrote, with no lock held; two threads that write at once may be
/// reported in either order, so an observer that needs the present state reads it again.
@FunctionalInterface
public interface WriteObserver {

  /// A guest write touched the dword.
  ///
  /// @param before its emulated bits before the write
  /// @param proposed those bits as the masks alone would have made them
  /// @param after its emulated bits after the write
  void written(int before, int proposed, int after);
}
