package io.vpasid.it.realkernel;

import static org.assertj.core.api.Assertions.assertThat;

import io.vpasid.guest.config.FunctionDescription;
import io.vpasid.guest.device.FunctionDevice;
import io.vpasid.guest.host.EmulatedHardware;
import io.vpasid.guest.iommu.VirtualIommu;
import io.vpasid.guest.vfiouser.VfioUserServer;
import io.vpasid.pci.PciAddress;
import io.vpasid.synth.HardwareInfo;
import io.vpasid.testing.Need;
import io.vpasid.testing.Needs;
import io.vpasid.vmm.FunctionOptions;
import io.vpasid.vmm.PassthroughFunction;
import io.vpasid.vmm.frontend.nested.TranslationMode;
import io.vpasid.vmm.iommufd.HwptData;
import io.vpasid.vmm.iommufd.IoasId;
import io.vpasid.vmm.iommufd.Pasid;
import io.vpasid.vmm.iommufd.simulated.SimulatedHost;
import io.vpasid.vmm.iommufd.simulated.SimulatedIommufd;
import io.vpasid.vmm.iommufd.simulated.SimulatedMapping;
import io.vpasid.vmm.iommufd.simulated.SimulatedPageTable;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// An unmodified Linux in an unmodified QEMU that has no IOMMU but ours, which is one of its
/// vfio-user functions: what the guest's own driver attaches is what the simulated host behind it
/// shows.
@Tag(InRealKernel.TAG)
@Needs(Need.REAL_KERNEL)
class VtdGuestTest {
  private static final Duration LIMIT = Duration.ofMinutes(4);
  private static final PciAddress PLACE = new PciAddress(0, 0, 4, 0);
  private static final Pasid SEVEN = new Pasid(7);

  @SuppressWarnings("InlineFormatString") // a script reads better in one piece
  private static final String SCRIPT =
      """
      echo vfio-pci >/sys/bus/pci/devices/0000:00:04.0/driver_override
      echo 0000:00:04.0 >/sys/bus/pci/drivers_probe
      for port in /sys/class/virtio-ports/*; do
        [ "$(cat $port/name)" != reports ] || reports=/dev/${port##*/}
      done
      [ -d /sys/firmware/efi ] && echo firmware: UEFI || echo firmware: BIOS
      lspci -vvv -s 00:04.0
      set -x
      %s $reports
      dmesg | grep -iE 'dmar|iommu'
      """;

  @TempDir private Path folder;

  /// What the host shows, and the guest says.
  private record Machine(
      SimulatedHost host, SimulatedIommufd iommufd, PciAddress function, BufferedReader guest) {
    /// What the guest says of its next step.
    String step() throws IOException {
      return String.valueOf(guest.readLine());
    }

    SimulatedPageTable attached(Pasid pasid) {
      return iommufd.pageTable(host.attachment(function, pasid).orElseThrow()).orElseThrow();
    }
  }

  @ParameterizedTest
  @EnumSource
  void guestsOwnDriverAttachesReplacesAndDetaches(TranslationMode.Kind mode) throws IOException {
    guestsOwnDriver(mode, false);
  }

  @Test
  void guestsOwnDriverDoesTheSameUnderUefi() throws IOException {
    guestsOwnDriver(TranslationMode.Kind.NESTED, true);
  }

  private void guestsOwnDriver(TranslationMode.Kind mode, boolean isUefi) throws IOException {
    Path results =
        Path.of("target", "real-kernel", "VtdGuestTest-" + mode + (isUefi ? "-UEFI" : ""))
            .toAbsolutePath();
    EmulatedHardware hardware =
        EmulatedHardware.of(FunctionDescription.of(Accelerators.withPasid()), false);
    PciAddress address = Accelerators.withPasid().address();
    SimulatedHost host =
        SimulatedHost.builder().device(hardware.device(HardwareInfo.parse("width=20"))).build();
    MachineParts parts = MachineParts.prepare();
    try (SimulatedIommufd iommufd = host.open();
        PassthroughFunction function =
            PassthroughFunction.open(iommufd, address, FunctionOptions.defaults())) {
      FunctionDevice device = new FunctionDevice(function, hardware);
      try (VirtualIommu iommu =
              VirtualIommu.open(
                  iommufd,
                  List.of(new VirtualIommu.Covered(PLACE, function, device::client)),
                  Optional.of(mode));
          VfioUserServer unit = serve("iommu.sock", iommu.device());
          VfioUserServer served = serve("function.sock", device)) {
        GuestMachine.Setup setup =
            new GuestMachine.Setup(
                SCRIPT.formatted(
                    HostCommand.ofJava(List.of("-Djava.io.tmpdir=/dev/shm"), GuestAttaches.class)),
                List.of(
                    new GuestMachine.Function("03.0", unit.path()),
                    new GuestMachine.Function("04.0", served.path())),
                isUefi,
                LIMIT);
        GuestMachine.Setup withUnit =
            FirmwareBoot.withUnit(parts, setup, "03.0", List.of(PLACE), results);

        try (GuestMachine machine = GuestMachine.boot(parts, withUnit, results)) {
          BufferedReader said =
              new BufferedReader(
                  new InputStreamReader(machine.reports(), StandardCharsets.US_ASCII));
          check(mode, new Machine(host, iommufd, address, said), machine);
          machine.awaitEnd();
          assertThat(Files.readString(results.resolve("console.log"), StandardCharsets.ISO_8859_1))
              .contains(
                  isUefi ? "firmware: UEFI" : "firmware: BIOS",
                  "dmar0: Using Queued invalidation",
                  "PASIDCtl: Enable+")
              .doesNotContain("DRHD: handling fault");
        }
      }
      assertThat(host.nothingAttached(address)).isTrue();
    }
  }

  /// The same with what a user has: the daemon, and the command that makes the table.
  @Test
  void daemonsIommuAttachesForTheGuestsOwnDriver() throws IOException {
    Path results = Path.of("target", "real-kernel", "VtdGuestTest-daemon").toAbsolutePath();
    MachineParts parts = MachineParts.prepare();
    try (ServeProcess daemon = ServeProcess.startWithIommu(folder)) {
      GuestMachine.Setup setup =
          new GuestMachine.Setup(
              SCRIPT.formatted(
                  HostCommand.ofJava(List.of("-Djava.io.tmpdir=/dev/shm"), GuestAttaches.class)),
              List.of(
                  new GuestMachine.Function("03.0", daemon.iommu()),
                  new GuestMachine.Function("04.0", daemon.first()),
                  new GuestMachine.Function("05.0", daemon.second())),
              false,
              LIMIT);
      Path table = folder.resolve("dmar.bin");
      makeTable("0x80000000", table);
      long base =
          FirmwareBoot.addressOfBar(
              parts, setup.withIommu(table), "03.0", results.resolve("firmware"));
      makeTable("0x" + Long.toHexString(base), table);

      try (GuestMachine machine = GuestMachine.boot(parts, setup.withIommu(table), results)) {
        BufferedReader guest =
            new BufferedReader(new InputStreamReader(machine.reports(), StandardCharsets.US_ASCII));
        assertThat(next(guest, machine)).isEqualTo("width: 20");
        assertThat(next(guest, machine)).isEqualTo("attach itself: true");
        assertThat(guest.readLine()).isEqualTo("attach 7: true");
        assertThat(daemon.ask("query-attachments").replaceAll("\\s", ""))
            .contains("\"function\":\"first\",\"pasid\":7")
            .doesNotContain("second");
        machine.send("\n");
        assertThat(next(guest, machine)).isEqualTo("replace 7: true");
        assertThat(next(guest, machine)).isEqualTo("attach 1000000: true");
        assertThat(next(guest, machine)).isEqualTo("map: true");
        assertThat(next(guest, machine)).isEqualTo("unmap: " + GuestAttaches.MAPPED);
        assertThat(next(guest, machine)).isEqualTo("detach 7: true");
        assertThat(next(guest, machine)).isEqualTo("detach 1000000: true");
        assertThat(guest.readLine()).isEqualTo("close: true");
        assertThat(daemon.ask("query-attachments").replaceAll("\\s", ""))
            .contains("\"attachments\":[]");
        machine.send("\n");
        machine.awaitEnd();
      }
    }
  }

  /// The same by the command that runs the whole machine, which learns by itself where the
  /// registers are.
  @Test
  void qemuThatTheCommandRunsHasTheDaemonsIommu() throws IOException {
    Path results =
        Files.createDirectories(
            Path.of("target", "real-kernel", "VtdGuestTest-command").toAbsolutePath());
    MachineParts parts = MachineParts.prepare();
    Path script =
        Files.writeString(
            folder.resolve("run.sh"), "lspci -vvv -s 00:04.0; dmesg | grep -iE 'dmar|iommu'\n");
    Path console = results.resolve("console.log");
    List<String> command =
        new ArrayList<>(
            List.of("vtd", "qemu", folder.resolve("serve.json").toString(), "--run", "--qemu"));
    command.add(qemu(parts).toString());
    command.addAll(List.of("--", "-accel", "tcg,thread=multi", "-cpu", "max,la57=off"));
    command.addAll(GuestMachine.ways(console));
    command.addAll(GuestMachine.linux(parts, List.of("intremap=off"), script));

    try (ServeProcess _ = ServeProcess.startWithIommu(folder)) {
      ServeProcess.run(command.toArray(String[]::new));
    }

    assertThat(Files.readString(console, StandardCharsets.ISO_8859_1))
        .contains("dmar0: Using Queued invalidation", "PASIDCtl: Enable+")
        .doesNotContain("DRHD: handling fault");
  }

  /// A program that starts the QEMU of the tests, and ends a machine that takes too long; one that
  /// has a monitor is its caller's to end.
  private Path qemu(MachineParts parts) throws IOException {
    Path program = folder.resolve("qemu");
    Files.writeString(
        program,
        """
        #!/bin/sh
        limit="timeout --foreground %ds"
        case " $* " in *" -qmp "*) limit= ;; esac
        exec $limit %s "$@"
        """
            .formatted(LIMIT.toSeconds(), String.join(" ", parts.qemu())));
    Files.setPosixFilePermissions(program, PosixFilePermissions.fromString("rwx------"));
    return program;
  }

  private static void makeTable(String base, Path file) throws IOException {
    ServeProcess.run(
        "vtd",
        "dmar",
        "--base",
        base,
        "--function",
        "04.0",
        "--function",
        "05.0",
        "-o",
        file.toString());
  }

  private static String next(BufferedReader guest, GuestMachine machine) throws IOException {
    String said = String.valueOf(guest.readLine());
    machine.send("\n");
    return said;
  }

  private VfioUserServer serve(String name, io.vpasid.guest.vfiouser.VfioUserDevice device)
      throws IOException {
    return VfioUserServer.open(folder.resolve(name), device, VfioUserServer.Options.defaults());
  }

  private static void check(TranslationMode.Kind mode, Machine at, GuestMachine guest)
      throws IOException {
    assertThat(at.step()).isEqualTo("width: 20");
    guest.send("\n");

    assertThat(at.step()).isEqualTo("attach itself: true");
    SimulatedPageTable own = at.attached(new Pasid(0));
    assertThat(own.data().type()).isEqualTo(mode == TranslationMode.Kind.NESTED ? 1 : 0);
    assertThat(at.host.attachedPasids(at.function)).isEmpty();
    guest.send("\n");

    assertThat(at.step()).isEqualTo("attach 7: true");
    assertThat(at.host.attachedPasids(at.function)).containsExactly(SEVEN);
    assertThat(tableOf(at.attached(SEVEN))).isEqualTo(tableOf(own));
    guest.send("\n");

    assertThat(at.step()).isEqualTo("replace 7: true");
    assertThat(at.host.attachedPasids(at.function)).containsExactly(SEVEN);
    assertThat(tableOf(at.attached(SEVEN))).isNotEqualTo(tableOf(own));
    guest.send("\n");

    assertThat(at.step()).isEqualTo("attach 1000000: true");
    assertThat(at.host.attachedPasids(at.function))
        .containsExactly(SEVEN, new Pasid(GuestAttaches.LARGE_PASID));
    guest.send("\n");

    assertThat(at.step()).isEqualTo("map: true");
    if (mode == TranslationMode.Kind.SHADOW) {
      List<SimulatedMapping> mapped = at.iommufd.mappings((IoasId) at.attached(SEVEN).on());
      assertThat(mapped.getFirst().iova()).isEqualTo(GuestAttaches.IOVA);
      assertThat(mapped.stream().mapToLong(SimulatedMapping::length).sum())
          .isEqualTo(GuestAttaches.MAPPED);
    }
    guest.send("\n");

    assertThat(at.step()).isEqualTo("unmap: " + GuestAttaches.MAPPED);
    if (mode == TranslationMode.Kind.SHADOW) {
      assertThat(at.iommufd.mappings((IoasId) at.attached(SEVEN).on())).isEmpty();
    }
    guest.send("\n");

    assertThat(at.step()).isEqualTo("detach 7: true");
    assertThat(at.host.attachedPasids(at.function))
        .containsExactly(new Pasid(GuestAttaches.LARGE_PASID));
    guest.send("\n");

    assertThat(at.step()).isEqualTo("detach 1000000: true");
    assertThat(at.host.attachedPasids(at.function)).isEmpty();
    guest.send("\n");

    assertThat(at.step()).isEqualTo("close: true");
    guest.send("\n");
  }

  /// What tells two page tables of the guest apart on the host.
  private static Object tableOf(SimulatedPageTable pageTable) {
    return pageTable.data() instanceof HwptData.VtdS1 first
        ? first.pageTableAddress()
        : pageTable.on();
  }
}
