package io.vpasid.it.embedding;

import io.vpasid.pci.PciAddress;
import io.vpasid.vmm.FunctionOptions;
import io.vpasid.vmm.PassthroughFunction;
import io.vpasid.vmm.iommufd.IommufdBackend;
import io.vpasid.vmm.iommufd.PageTableId;
import io.vpasid.vmm.iommufd.Pasid;
import io.vpasid.vmm.pasid.AttachOutcome;
import io.vpasid.vmm.pasid.Refused;

/// The loop of a VMM with one vCPU and one passed-through function: what it does when the guest
/// leaves the vCPU. README.md quotes it.
final class SmallestVmm {

  /// Why a vCPU stopped.
  sealed interface Exit {
    /// The guest reads a configuration register.
    record ConfigRead(int offset, int width) implements Exit {}

    /// The guest writes a configuration register.
    record ConfigWrite(int offset, int width, int value) implements Exit {}

    /// The guest's IOMMU driver wants a PASID on a page table.
    record AttachPasid(Pasid pasid, PageTableId pageTable) implements Exit {}

    /// The guest's IOMMU driver is done with a PASID.
    record DetachPasid(Pasid pasid) implements Exit {}

    /// The guest is off.
    record PowerOff() implements Exit {}
  }

  /// A vCPU, from KVM or wherever.
  interface Vcpu {
    /// Lets the guest run until it needs the VMM.
    Exit run();

    /// The value of the register that was read, or the errno of the request; 0 for success.
    void complete(int result);
  }

  private SmallestVmm() {}

  // README: from here
  static void run(IommufdBackend iommufd, PciAddress device, Vcpu vcpu) {
    try (PassthroughFunction function =
        PassthroughFunction.open(iommufd, device, FunctionOptions.defaults())) {
      while (true) {
        switch (vcpu.run()) {
          case Exit.ConfigRead r -> vcpu.complete(function.readConfig(r.offset(), r.width()));
          case Exit.ConfigWrite w -> function.writeConfig(w.offset(), w.width(), w.value());
          case Exit.AttachPasid a ->
              vcpu.complete(errno(function.attachPasid(a.pasid(), a.pageTable())));
          case Exit.DetachPasid d -> function.detachPasid(d.pasid());
          case Exit.PowerOff _ -> {
            return; // close() leaves nothing attached
          }
        }
      }
    }
  }

  private static int errno(AttachOutcome outcome) {
    return outcome instanceof Refused refused ? refused.reason().errno().number() : 0;
  }
  // README: to here
}
