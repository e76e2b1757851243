package io.vpasid.vmm.pasid;

import io.vpasid.vmm.iommufd.PageTableId;
import io.vpasid.vmm.iommufd.Pasid;

/// Something happened to a PASID of one function.
public sealed interface PasidEvent {

  /// Orders the events of one function: of two events of the same PASID the one with the higher
  /// number happened later, in whichever order they were delivered.
  long sequence();

  /// The PASID it happened to.
  Pasid pasid();

  /// The PASID was attached.
  ///
  /// @param sequence orders the events
  /// @param pasid the PASID
  /// @param pageTable what it is attached to
  record Attached(long sequence, Pasid pasid, PageTableId pageTable) implements PasidEvent {}

  /// The PASID was moved to another page table.
  ///
  /// @param sequence orders the events
  /// @param pasid the PASID
  /// @param previous what it was attached to
  /// @param pageTable what it is attached to
  record Replaced(long sequence, Pasid pasid, PageTableId previous, PageTableId pageTable)
      implements PasidEvent {}

  /// The PASID was detached.
  ///
  /// @param sequence orders the events
  /// @param pasid the PASID
  /// @param previous what it was attached to
  record Detached(long sequence, Pasid pasid, PageTableId previous) implements PasidEvent {}

  /// A request was refused.
  ///
  /// @param sequence orders the events
  /// @param pasid the PASID that was asked for
  /// @param reason why
  record Refused(long sequence, Pasid pasid, Refusal reason) implements PasidEvent {}
}
