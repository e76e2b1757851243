package io.vpasid.vmm.frontend.vtd;

/// DMA that was blocked, as it is recorded for the guest (section 7.2.1).
///
/// @param requester whose DMA
/// @param reason why it was blocked
/// @param access what it wanted
/// @param address of the access, untranslated; the low 12 bits are not recorded
/// @param execute it wanted to execute
/// @param privileged it had the supervisor's privilege
public record Fault(
    Requester requester,
    FaultReason reason,
    Access access,
    long address,
    boolean execute,
    boolean privileged) {

  /// Wish of a request: the type field of a fault recording register, T1 and T2.
  public enum Access {
    /// 00: to write.
    WRITE,
    /// 01: it is a page request.
    PAGE_REQUEST,
    /// 10: to read.
    READ,
    /// 11: to do an atomic operation.
    ATOMIC
  }
}
