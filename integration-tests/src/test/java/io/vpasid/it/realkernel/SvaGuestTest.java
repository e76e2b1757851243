package io.vpasid.it.realkernel;

import static org.assertj.core.api.Assertions.assertThat;

import io.vpasid.pci.PciAddress;
import io.vpasid.testing.Need;
import io.vpasid.testing.Needs;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Shared virtual addressing without hardware: an unmodified Linux in an unmodified QEMU binds a
/// process's address space to a function of the daemon, whose DMA engine then reads and writes the
/// process's memory by a PASID, through the daemon's IOMMU.
@Tag(InRealKernel.TAG)
@Needs(Need.REAL_KERNEL)
class SvaGuestTest {
  @SuppressWarnings("InlineFormatString") // a script reads better in one piece
  private static final String SCRIPT =
      """
      for port in /sys/class/virtio-ports/*; do
        [ "$(cat $port/name)" != reports ] || reports=/dev/${port##*/}
      done
      lspci -vvv -s 00:04.0
      set -x
      insmod /host%s
      %s $reports
      """;

  @TempDir private Path folder;

  @Test
  void processSharesItsMemoryWithAFunction() throws IOException {
    Path results = Path.of("target", "real-kernel", "SvaGuestTest").toAbsolutePath();
    MachineParts parts = MachineParts.prepare();
    List<String> said = new ArrayList<>();
    try (ServeProcess daemon = ServeProcess.startWithEngine(folder)) {
      GuestMachine.Setup setup =
          new GuestMachine.Setup(
              SCRIPT.formatted(
                  parts.drivers().resolve("vpasid_sva.ko"),
                  HostCommand.ofJava(List.of("-Djava.io.tmpdir=/dev/shm"), GuestSva.class)),
              List.of(
                  new GuestMachine.Function("03.0", daemon.iommu()),
                  new GuestMachine.Function("04.0", daemon.first())),
              false,
              Duration.ofMinutes(4));
      GuestMachine.Setup withUnit =
          FirmwareBoot.withUnit(parts, setup, "03.0", List.of(new PciAddress(0, 0, 4, 0)), results);
      try (GuestMachine machine = GuestMachine.boot(parts, withUnit, results)) {
        BufferedReader guest =
            new BufferedReader(new InputStreamReader(machine.reports(), StandardCharsets.US_ASCII));
        said.add(String.valueOf(guest.readLine()));
        assertThat(daemon.ask("query-attachments")).contains("\"function\" : \"engine\"");
        machine.send("\n");
        for (String line = guest.readLine(); line != null; line = guest.readLine()) {
          said.add(line);
          machine.send("\n");
        }
        machine.awaitEnd();
      }
    }
    // Status 2 is done, 3 a fault with its reason, 4 a page refused with the response code.
    assertThat(said)
        .containsExactly(
            "bound: true",
            "read, status 2: true",
            "write, status 2: true",
            "write what is not present, status 710003: true",
            "ask for it, status 2: true",
            "copy 16 pages, status 2: true",
            "write what is read-only, status 850003: true",
            "ask for it, status 10004: true",
            "ask for what is unmapped, status 10004: true",
            "read with another PASID, status 590003: true");
    assertThat(Files.readString(results.resolve("console.log"), StandardCharsets.ISO_8859_1))
        .contains("PASIDCtl: Enable+", "DRHD: handling fault status reg")
        .containsPattern("DMA Write PASID 0x[0-9a-f]+\\] Request device \\[0000:00:04.0\\]");
  }
}
