package io.vpasid.vmm.frontend.vtd;

/// Whose DMA it is: a function's own, or that of one of its PASIDs.
///
/// In scalable mode a request without a PASID is translated by the PASID table entry of RID_PASID.
/// This unit does not offer ECAP.RPS, so RID_PASID is 0 and PASID 0 is the function itself; there
/// is no [WithPasid] for it. In legacy mode there is only [Itself].
public sealed interface Requester {
  /// Number of PASIDs: 20 bits.
  int PASIDS = 1 << 20;

  /// Which function.
  SourceId function();

  /// The function itself: requests without a PASID.
  ///
  /// @param function which one
  record Itself(SourceId function) implements Requester {
    @Override
    public String toString() {
      return function.toString();
    }
  }

  /// A process's or queue's address space on a function: requests with this PASID.
  ///
  /// @param function which one
  /// @param pasid 1 to 2^20 - 1
  record WithPasid(SourceId function, int pasid) implements Requester {

    /// @throws IllegalArgumentException if the PASID is out of its range
    public WithPasid {
      if (pasid <= 0 || pasid >= PASIDS) {
        throw new IllegalArgumentException("PASIDs are 1 to 2^20 - 1, not " + pasid + ".");
      }
    }

    @Override
    public String toString() {
      return function + " PASID " + pasid;
    }
  }

  /// The requester of a PASID, where 0 is the function itself.
  ///
  /// @param pasid 0 to 2^20 - 1
  static Requester of(SourceId function, int pasid) {
    return pasid == 0 ? new Itself(function) : new WithPasid(function, pasid);
  }

  /// The PASID, or 0 for the function itself.
  default int pasid() {
    return this instanceof WithPasid with ? with.pasid : 0;
  }
}
