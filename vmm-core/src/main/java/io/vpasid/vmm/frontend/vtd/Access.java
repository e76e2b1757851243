package io.vpasid.vmm.frontend.vtd;

/// The kind of access that a DMA request asks for.
///
/// @param write to write, else to read
/// @param privileged with the supervisor's privilege
record Access(boolean write, boolean privileged) {
  static final Access READ = new Access(false, false);
  static final Access WRITE = new Access(true, false);
}
