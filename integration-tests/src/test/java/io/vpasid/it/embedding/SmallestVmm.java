package io.vpasid.it.embedding;

import io.vpasid.pci.PciAddress;
import io.vpasid.vmm.FunctionEvent;
import io.vpasid.vmm.FunctionOptions;
import io.vpasid.vmm.PassthroughFunction;
import io.vpasid.vmm.Subscription;
import io.vpasid.vmm.iommufd.HwptId;
import io.vpasid.vmm.iommufd.IoasId;
import io.vpasid.vmm.iommufd.IommufdBackend;
import io.vpasid.vmm.iommufd.IovaAccess;
import io.vpasid.vmm.iommufd.Pasid;
import io.vpasid.vmm.pasid.AttachOutcome;
import io.vpasid.vmm.pasid.Refused;
import java.lang.foreign.MemorySegment;
import java.util.function.Consumer;

/// The loop of a VMM with one vCPU and one passed-through function: what it does when the guest
/// leaves the vCPU. README.md quotes it.
final class SmallestVmm {

  /// Why a vCPU stopped.
  sealed interface Exit {
    /// The guest reads a configuration register.
    record ConfigRead(int offset, int width) implements Exit {}

    /// The guest writes a configuration register.
    record ConfigWrite(int offset, int width, int value) implements Exit {}

    /// The guest wants a PASID with which the function reaches its memory.
    record AttachPasid(Pasid pasid) implements Exit {}

    /// The guest is done with a PASID.
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
  static void run(
      IommufdBackend iommufd,
      PciAddress device,
      MemorySegment ram,
      Vcpu vcpu,
      Consumer<FunctionEvent> log) {
    IoasId memory = iommufd.ioasAlloc();
    iommufd.mapAt(memory, 0, ram, IovaAccess.READ_WRITE);
    try (PassthroughFunction function =
            PassthroughFunction.open(iommufd, device, FunctionOptions.defaults());
        Subscription _ = function.listen(log)) {
      function.attach(memory); // what it reaches without a PASID
      HwptId pageTable = function.newPageTable(memory); // and with one
      while (true) {
        switch (vcpu.run()) {
          case Exit.ConfigRead r -> vcpu.complete(function.readConfig(r.offset(), r.width()));
          case Exit.ConfigWrite w -> function.writeConfig(w.offset(), w.width(), w.value());
          case Exit.AttachPasid a ->
              vcpu.complete(errno(function.attachPasid(a.pasid(), pageTable)));
          case Exit.DetachPasid d -> function.detachPasid(d.pasid());
          case Exit.PowerOff _ -> {
            return; // close() detaches everything and destroys the page tables
          }
        }
      }
    } finally {
      iommufd.destroy(memory);
    }
  }

  private static int errno(AttachOutcome outcome) {
    return outcome instanceof Refused refused ? refused.reason().errno().number() : 0;
  }
  // README: to here
}
