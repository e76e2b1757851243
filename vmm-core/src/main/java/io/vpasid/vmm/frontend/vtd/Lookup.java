package io.vpasid.vmm.frontend.vtd;

import org.jspecify.annotations.Nullable;

/// Where a search in the guest's tables writes what it found, so that searching allocates nothing.
/// Belongs to one thread.
final class Lookup {
  /// Words of the entry that decided: a context entry (legacy) or PASID table entry.
  final long[] entry = new long[8];

  /// Words of a context entry.
  final long[] context = new long[4];

  /// Why there is no translation; null if there is one.
  private @Nullable FaultReason fault;

  /// FPD was set somewhere on the way.
  private boolean faultsDisabled;

  /// The context entry was present and valid, so the flags below count.
  private boolean contextFound;

  void begin() {
    fault = null;
    faultsDisabled = false;
    contextFound = false;
  }

  void fail(FaultReason reason) {
    fault = reason;
  }

  void foundContext() {
    contextFound = true;
  }

  void disableFaultsIf(boolean fpd) {
    faultsDisabled |= fpd;
  }

  @Nullable FaultReason fault() {
    return fault;
  }

  boolean found() {
    return fault == null;
  }

  /// True if a fault for this reason is to be recorded.
  boolean records(FaultReason reason) {
    return !(faultsDisabled && reason.isQualified());
  }

  /// True if there is a context entry that is present and valid.
  boolean hasContext() {
    return contextFound;
  }

  /// DTE, or translation type 1 of a legacy entry.
  boolean deviceTlb(boolean scalable) {
    return contextFound && (scalable ? Bits.has(context[0], 2) : Bits.field(context[0], 3, 2) == 1);
  }

  /// PRE.
  boolean pageRequests(boolean scalable) {
    return contextFound && scalable && Bits.has(context[0], 4);
  }

  /// PASIDE.
  boolean pasidEnable() {
    return contextFound && Bits.has(context[0], 3);
  }

  /// PASID directory entries: 2^(PDTS + 7), each for 64 PASIDs.
  int directoryEntries() {
    return 1 << (Bits.field(context[0], 11, 9) + 7);
  }

  long directory() {
    return context[0] & ~0xfffL;
  }
}
