package io.vpasid.it.embedding;

import static org.assertj.core.api.Assertions.assertThat;

import io.vpasid.it.embedding.SmallestVmm.Exit;
import io.vpasid.pci.PciAddress;
import io.vpasid.pci.dump.Dumps;
import io.vpasid.pci.dump.HostFunction;
import io.vpasid.synth.HardwareInfo;
import io.vpasid.vmm.FunctionEvent;
import io.vpasid.vmm.PasidControl;
import io.vpasid.vmm.iommufd.IoasId;
import io.vpasid.vmm.iommufd.IommufdBackend;
import io.vpasid.vmm.iommufd.Pasid;
import io.vpasid.vmm.iommufd.simulated.SimulatedDevice;
import io.vpasid.vmm.iommufd.simulated.SimulatedHost;
import io.vpasid.vmm.pasid.PasidOutcome;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;

/// A guest on the smallest VMM finds the vPASID, enables it and uses it.
class SmallestVmmTest {
  private static final int PASID_CONTROL = 0x166;

  private final HostFunction captured =
      Dumps.read(Path.of("../scenarios/functions/accelerator.txt")).getFirst();
  private final PciAddress device = captured.address();
  private final SimulatedHost host =
      SimulatedHost.builder()
          .device(
              SimulatedDevice.ofCapture(captured)
                  .reporting(new HardwareInfo(20, false, true, true)))
          .build();

  @Test
  void guestFindsEnablesAndUsesItsPasids() {
    try (IommufdBackend iommufd = host.open()) {
      Guest guest = new Guest();
      List<FunctionEvent> events = new ArrayList<>();
      MemorySegment ram = Arena.ofAuto().allocate(1 << 20, 1 << 12);

      SmallestVmm.run(iommufd, device, ram, guest, events::add);

      assertThat(guest.results)
          .as("ATS leads to the vPASID; enabled with Privileged Mode; attached; refused")
          .containsExactly(0x1601_000f, 0x0005, 0, 22);
      assertThat(guest.attachedInBetween).containsExactly(new Pasid(1));
      assertThat(events.stream().map(SmallestVmmTest::inShort))
          .containsExactly("function attached", "enabled", "Attached", "Refused", "Detached");
      assertThat(iommufd.ioasAlloc()).as("every number is free again").isEqualTo(new IoasId(1));
    }
    assertThat(host.nothingAttached(device)).isTrue();
  }

  private static String inShort(FunctionEvent event) {
    return switch (event) {
      case FunctionEvent.PasidRequested(long _, Pasid _, PasidOutcome outcome) ->
          outcome.getClass().getSimpleName();
      case FunctionEvent.ControlChanged(PasidControl control) ->
          control.enabled() ? "enabled" : "disabled";
      case FunctionEvent.FunctionAttached _ -> "function attached";
      case FunctionEvent.FunctionDetached _ -> "function detached";
      case FunctionEvent.RegistersReset _ -> "reset";
      case FunctionEvent.RegisterWritten _ -> "written";
    };
  }

  @Test
  void readmeQuotesIt() throws Exception {
    String source =
        Files.readString(Path.of("src/test/java/io/vpasid/it/embedding/SmallestVmm.java"));
    String quoted =
        source
            .substring(
                source.indexOf("// README: from here\n") + "// README: from here\n".length(),
                source.indexOf("  // README: to here"))
            .stripTrailing()
            .stripIndent();

    assertThat(Files.readString(Path.of("../README.md"))).contains(quoted);
  }

  /// A vCPU whose guest does a few things and is off.
  private final class Guest implements SmallestVmm.Vcpu {
    private final Queue<Supplier<Exit>> program = new ArrayDeque<>();
    final List<Integer> results = new ArrayList<>();
    final List<Pasid> attachedInBetween = new ArrayList<>();

    Guest() {
      program.add(() -> new Exit.ConfigRead(0x150, 4));
      program.add(() -> new Exit.ConfigWrite(PASID_CONTROL, 2, 0x0005));
      program.add(() -> new Exit.ConfigRead(PASID_CONTROL, 2));
      program.add(() -> new Exit.AttachPasid(new Pasid(1)));
      program.add(() -> {
        attachedInBetween.addAll(host.attachedPasids(device));
        return new Exit.AttachPasid(new Pasid(1 << 20));
      });
      program.add(() -> new Exit.DetachPasid(new Pasid(1)));
      program.add(Exit.PowerOff::new);
    }

    @Override
    public Exit run() {
      return program.remove().get();
    }

    @Override
    public void complete(int result) {
      results.add(result);
    }
  }
}
