package io.vpasid.vmm.frontend.vtd;

/// The way back from the host's side into a unit, for the guest to see. Any thread may call, also
/// from within a call to [VtdBackend]; nothing here waits for the guest or for the unit's worker.
public interface VtdReports {

  /// The host could not do what an entry asks for; the requester is blocked. Records a fault for
  /// the guest: [FaultReason#PASID_ENTRY_INVALID], in legacy mode
  /// [FaultReason#LEGACY_CONTEXT_INVALID]; address 0, a read.
  void attachRefused(Requester requester);

  /// Hardware blocked a requester's DMA. Records the fault for the guest, or that one was lost
  /// (FSTS.PFO), and sends the event's message unless the guest masks it.
  void fault(Fault fault);

  /// A function asks for a page.
  ///
  /// @return what has become of it, and what there is to do if nobody answers
  PageRequest.Outcome requestPage(PageRequest request);
}
