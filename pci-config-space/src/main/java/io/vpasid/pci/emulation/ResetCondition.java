package io.vpasid.pci.emulation;

/// Condition under which a guest's write to a dword resets the function, as Initiate Function Level
/// Reset does.
///
/// A pure function; it runs on the vCPU thread that wrote.
@FunctionalInterface
interface ResetCondition {

  /// True if this write resets the function.
  ///
  /// @param before the dword's emulated bits before the write
  /// @param proposed those bits as the masks of the [ConfigPatch] make them, before any rule
  boolean isReset(int before, int proposed);
}
