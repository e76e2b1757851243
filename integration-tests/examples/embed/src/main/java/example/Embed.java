package example;

import io.vpasid.pci.PciAddress;
import io.vpasid.pci.dump.Dumps;
import io.vpasid.pci.dump.HostFunction;
import io.vpasid.synth.HardwareInfo;
import io.vpasid.synth.Synthesis;
import io.vpasid.synth.SynthesisResult.Declined;
import io.vpasid.vmm.FunctionOptions;
import io.vpasid.vmm.PassthroughFunction;
import io.vpasid.vmm.Subscription;
import io.vpasid.vmm.iommufd.BackendOptions;
import io.vpasid.vmm.iommufd.HwptId;
import io.vpasid.vmm.iommufd.IoasId;
import io.vpasid.vmm.iommufd.IommufdBackend;
import io.vpasid.vmm.iommufd.IommufdBackendProvider;
import io.vpasid.vmm.iommufd.IommufdException;
import io.vpasid.vmm.iommufd.IovaAccess;
import io.vpasid.vmm.iommufd.Pasid;
import io.vpasid.vmm.iommufd.simulated.SimulatedDevice;
import io.vpasid.vmm.iommufd.simulated.SimulatedHost;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ServiceLoader;

/// The whole life of a passed-through function: of one that is captured in a dump on the simulator,
/// or of one of this machine, by its address, on /dev/iommu.
final class Embed {
  public static void main(String[] args) throws IOException {
    try {
      run(args[0]);
    } catch (IommufdException e) { // there is no /dev/iommu, or vfio-pci does not have the function
      System.err.println(e.getMessage() + " See what is missing: vpasid doctor " + args[0]);
      System.exit(1);
    }
  }

  private static void run(String function) throws IOException {
    if (Files.exists(Path.of(function))) {
      HostFunction captured = Dumps.read(Path.of(function)).getFirst();
      SimulatedDevice like =
          SimulatedDevice.ofCapture(captured).reporting(HardwareInfo.parse("width=20"));
      live(SimulatedHost.builder().device(like).build().open(), captured.address());
    } else {
      for (var provider : ServiceLoader.load(IommufdBackendProvider.class)) {
        if (provider.name().equals("kernel")) {
          live(provider.open(BackendOptions.DEFAULTS), PciAddress.parse(function).orElseThrow());
        }
      }
    }
  }

  private static void live(IommufdBackend iommufd, PciAddress address) {
    MemorySegment ram = Arena.ofAuto().allocate(1 << 20, 4096); // the guest's
    IoasId memory = iommufd.ioasAlloc();
    iommufd.mapAt(memory, 0, ram, IovaAccess.READ_WRITE);
    try (iommufd;
        var function = PassthroughFunction.open(iommufd, address, FunctionOptions.defaults());
        Subscription _ = function.listen(event -> print("event", event))) {
      function.attach(memory); // what the function reaches without a PASID
      switch (function.synthesis()) {
        case Declined declined -> print("no vPASID", declined.explanation());
        case Synthesis synthesis -> {
          print("place", synthesis.placement().range());
          HwptId pageTable = function.newPageTable(memory); // and with one
          // What the guest does ends in these calls, from the threads of its vCPUs.
          print("guest reads", Integer.toHexString(function.readConfig(synthesis.offset(), 4)));
          function.writeConfig(synthesis.registers() + 2, 2, 1); // PASID Enable
          print("guest attaches", function.attachPasid(new Pasid(1), pageTable));
          print("guest attaches", function.attachPasid(new Pasid(1 << 20), pageTable));
          print("guest detaches", function.detachPasid(new Pasid(1)));
        }
      }
    } // detaches everything, gives the function back, destroys the page tables
  }

  private static void print(String what, Object value) {
    System.out.println(what + ": " + value);
  }
}
