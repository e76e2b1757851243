package io.vpasid.vmm.frontend.vtd;

/// The end of an emulated function's DMA.
public sealed interface DmaOutcome {

  /// All bytes have been copied.
  enum Done implements DmaOutcome {
    /// The only value there is.
    DONE
  }

  /// An address was not translated. The guest has been told by a fault record, unless it does not
  /// want to be (FPD), or asked for page requests instead.
  ///
  /// @param reason why not
  /// @param address the first that was not
  /// @param copied bytes before it, which have been copied
  record Faulted(FaultReason reason, long address, int copied) implements DmaOutcome {}

  /// The guest refused a page that was requested, or its page request queue is full.
  ///
  /// @param code its answer; [PageResponse.Code#SUCCESS] if there was none, and the function may
  ///   try again later
  /// @param address the first that was not there
  /// @param copied bytes before it, which have been copied
  record PageRefused(PageResponse.Code code, long address, int copied) implements DmaOutcome {}

  /// An address was translated to one that is not the guest's memory.
  ///
  /// @param address as the function had it
  /// @param copied bytes before it, which have been copied
  record NotMemory(long address, int copied) implements DmaOutcome {}
}
