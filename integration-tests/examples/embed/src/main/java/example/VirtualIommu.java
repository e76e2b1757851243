package example;

import io.vpasid.pci.dump.Dumps;
import io.vpasid.pci.dump.HostFunction;
import io.vpasid.synth.HardwareInfo;
import io.vpasid.synth.Synthesis;
import io.vpasid.synth.SynthesisResult.Declined;
import io.vpasid.vmm.FunctionOptions;
import io.vpasid.vmm.PassthroughFunction;
import io.vpasid.vmm.frontend.GuestMemoryException;
import io.vpasid.vmm.frontend.MappedGuestMemory;
import io.vpasid.vmm.frontend.nested.Bounds;
import io.vpasid.vmm.frontend.nested.GuestPageTables;
import io.vpasid.vmm.frontend.nested.HostMemory;
import io.vpasid.vmm.frontend.nested.NestedFormat;
import io.vpasid.vmm.frontend.nested.TranslationMode;
import io.vpasid.vmm.frontend.vtd.SourceId;
import io.vpasid.vmm.frontend.vtd.VtdCapabilities;
import io.vpasid.vmm.frontend.vtd.VtdUnit;
import io.vpasid.vmm.iommufd.HwInfoData;
import io.vpasid.vmm.iommufd.IoasId;
import io.vpasid.vmm.iommufd.IovaAccess;
import io.vpasid.vmm.iommufd.simulated.IommuProfile;
import io.vpasid.vmm.iommufd.simulated.SimulatedDevice;
import io.vpasid.vmm.iommufd.simulated.SimulatedHost;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.List;

/// A function behind a virtual IOMMU, Intel VT-d: the guest's own driver attaches PASIDs, by tables
/// in its memory and an invalidation queue, and the simulated host's page tables follow. The guest
/// is played here, by the words that a driver would write.
final class VirtualIommu {
  private static final long ROOT = 0x1000;
  private static final long CONTEXT = 0x2000;
  private static final long STATUS = 0x3000;
  private static final long PASIDS = 0x4000;
  private static final long DIRECTORY = 0x8000;
  private static final long QUEUE = 0x9000;

  public static void main(String[] args) throws IOException, GuestMemoryException {
    HostFunction captured = Dumps.read(Path.of(args[0])).getFirst();
    SimulatedDevice like =
        SimulatedDevice.ofCapture(captured).reporting(HardwareInfo.parse("width=20"));
    SimulatedHost host = SimulatedHost.builder().iommu(IommuProfile.intel()).device(like).build();
    SourceId id = SourceId.of(captured.address()); // where the guest has it, here the same place

    MemorySegment ram = Arena.ofAuto().allocate(1 << 20, 4096);
    var range = new MappedGuestMemory.Range(0, ram);
    var memory = MappedGuestMemory.of(range);
    try (var iommufd = host.open();
        var function =
            PassthroughFunction.open(iommufd, captured.address(), FunctionOptions.defaults())) {
      if (function.synthesis() instanceof Declined declined) { // nor would a guest use PASIDs
        System.out.println("no vPASID: " + declined.explanation());
        return;
      }
      IoasId ioas = iommufd.ioasAlloc();
      iommufd.mapAt(ioas, 0, ram, IovaAccess.READ_WRITE);
      var vtd = (HwInfoData.IntelVtd) function.device().hwInfo().data();
      var all = new GuestPageTables.Memory(memory, HostMemory.of(List.of(range)), ioas);
      try (var tables =
              new GuestPageTables(
                  iommufd, all, TranslationMode.Kind.NESTED, NestedFormat.VTD, Bounds.DEFAULT);
          var unit =
              new VtdUnit(
                  VtdCapabilities.nested(vtd.cap(), vtd.ecap(), 20, false),
                  memory,
                  tables,
                  (address, data) -> {}, // where interrupts of the unit go
                  Runnable::run)) { // what runs its worker: this thread
        tables.reportTo(unit);
        tables.cover(id, function);
        unit.cover(id).join();

        // The guest enables PASIDs; its driver makes the tables, in scalable mode: a root entry, a
        // context entry, a PASID directory, and a PASID table in which the function itself (0)
        // passes through and PASID 7 has a first-stage table.
        function.writeConfig(((Synthesis) function.synthesis()).registers() + 2, 2, 1);
        memory.storeLong(ROOT + id.bus() * 16L + (id.deviceFunction() < 128 ? 0 : 8), CONTEXT | 1);
        memory.storeLong(CONTEXT + id.deviceFunction() % 128 * 32L, DIRECTORY | 7 << 9 | 8 | 1);
        memory.storeLong(DIRECTORY, PASIDS | 1);
        memory.storeLong(PASIDS, 4 << 6 | 1);
        memory.storeLong(PASIDS + 8, 1);
        unit.writeRegister(0x90, 8, QUEUE | 1 << 11); // IQA: 256-bit descriptors
        unit.writeRegister(0x20, 8, ROOT | 1 << 10); // RTADDR: scalable mode
        unit.writeRegister(0x18, 4, 1L << 30); // GCMD: set the root table
        unit.writeRegister(0x18, 4, 1L << 31 | 1L << 26); // translate, queue on
        System.out.println("translating: " + host.attachedPasids(captured.address()));

        memory.storeLong(PASIDS + 7 * 64 + 16, 0xa000); // where its first-stage table is
        memory.storeLong(PASIDS + 7 * 64 + 8, 2); // domain 2
        memory.storeLong(PASIDS + 7 * 64, 1 | 1 << 6); // present, first stage
        memory.storeLong(QUEUE, 7 | 1 << 4 | 2 << 16 | 7L << 32); // invalidate the entry of PASID 7
        memory.storeLong(QUEUE + 32, 5 | 1 << 5 | 1L << 32); // and wait: 1 to STATUS
        memory.storeLong(QUEUE + 40, STATUS);
        unit.writeRegister(0x88, 4, 64); // IQT
        System.out.println("guest attached 7: " + host.attachedPasids(captured.address()));
        System.out.println("guest was told: " + memory.loadInt(STATUS));
      } // every PASID is blocked and given back
      System.out.println("closed: " + host.attachedPasids(captured.address()));
    }
  }
}
