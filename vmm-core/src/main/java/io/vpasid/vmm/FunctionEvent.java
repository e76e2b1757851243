package io.vpasid.vmm;

import io.vpasid.vmm.iommufd.PageTableId;
import io.vpasid.vmm.iommufd.Pasid;
import io.vpasid.vmm.pasid.PasidOutcome;

/// Something happened to a function that a VMM passes through. [PassthroughFunction#listen] tells
/// of it, after the fact.
public sealed interface FunctionEvent {

  /// A PASID was attached, replaced or detached, or a request was refused.
  ///
  /// @param sequence of two events of the same PASID the one with the higher number happened later,
  ///   in whichever order they are delivered
  /// @param pasid the PASID that was asked for
  /// @param outcome what became of the request
  record PasidRequested(long sequence, Pasid pasid, PasidOutcome outcome)
      implements FunctionEvent {}

  /// The function itself, whose requests have no PASID, does DMA through a page table now.
  ///
  /// @param pageTable what it is attached to
  record FunctionAttached(PageTableId pageTable) implements FunctionEvent {}

  /// The function itself is attached to nothing: its DMA without a PASID is blocked.
  record FunctionDetached() implements FunctionEvent {}

  /// The guest changed its PASID control register, or a reset did.
  ///
  /// @param control what it is now
  record ControlChanged(PasidControl control) implements FunctionEvent {}

  /// The registers that we emulate were reset, alone or with the function.
  record RegistersReset() implements FunctionEvent {}

  /// The guest wrote a register of a further capability, of which it can change something.
  ///
  /// @param offset of the register in configuration space, a multiple of 4
  /// @param before its value before the write, 32 bits
  /// @param proposed what the guest wrote, with the old bytes where it wrote none
  /// @param after its value now
  record RegisterWritten(int offset, int before, int proposed, int after)
      implements FunctionEvent {}
}
