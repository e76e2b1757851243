package io.vpasid.vmm.pasid;

import io.vpasid.vmm.iommufd.Pasid;

/// Is told what requests did to the PASIDs of a function.
@FunctionalInterface
public interface PasidObserver {
  /// Called after the fact, on the thread that made the request, with no lock held: it may make
  /// requests itself.
  ///
  /// @param sequence of two outcomes of the same PASID the one with the higher number took effect
  ///   later, in whichever order they are told
  void happened(long sequence, Pasid pasid, PasidOutcome outcome);
}
