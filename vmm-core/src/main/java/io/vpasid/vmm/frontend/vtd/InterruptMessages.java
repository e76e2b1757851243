package io.vpasid.vmm.frontend.vtd;

/// Where a unit's event interrupts go: writes of 4 bytes that reach the guest's interrupt
/// controller, as those of any function do.
@FunctionalInterface
public interface InterruptMessages {

  /// Sends a message. Any thread may call, also one on which a vCPU accesses a register: it must
  /// not wait, and not call the unit.
  ///
  /// @param address as the guest set it; 0xfeexxxxx on x86, but a guest sets anything
  /// @param data as the guest set it
  void send(long address, int data);
}
