package io.vpasid.it.realkernel;

import static org.assertj.core.api.Assertions.assertThat;

import io.vpasid.testing.Need;
import io.vpasid.testing.Needs;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInfo;
import org.junit.jupiter.api.io.TempDir;

/// A Linux guest in QEMU, whose functions `./vpasid serve` serves: it finds the synthesized
/// capability where we put it, enables PASIDs through it, and asks for attachments. What the guest
/// has, its own `lspci` and `setpci` say.
@Tag(InRealKernel.TAG)
@Needs(Need.REAL_KERNEL)
class LinuxGuestTest {
  private static final Duration LIMIT = Duration.ofMinutes(3);

  /// Connects file descriptor 3 with the host.
  private static final String CONNECT =
      """
      for port in /sys/class/virtio-ports/*; do
        [ "$(cat $port/name)" != reports ] || exec 3<>/dev/${port##*/}
      done
      """;

  /// Says what Linux was booted by, then what the functions are like.
  private static final String LOOK =
      CONNECT
          + """
          { [ -d /sys/firmware/efi ] && echo UEFI || echo BIOS; lspci -n -vvv -d f00d:; echo done; } >&3
          """;

  /// Attaches PASID 5 to the address space with handle 1, as docs/mailbox.md tells, says the
  /// status, waits for a line from the host, detaches it, and says the status again. A request is
  /// over when the status repeats its number, not busy.
  private static final String ASK =
      CONNECT
          + """
          ask() {
            setpci -s 00:04.0 ECAP0023+10.L=$1
            until setpci -s 00:04.0 ECAP0023+0c.L | grep "^${1%%????}.*[02468ace]$" >&3; do :; done
          }
          setpci -s 00:04.0 ECAP0023+14.L=5
          setpci -s 00:04.0 ECAP0023+18.L=1
          ask 00010001
          read line <&3
          ask 00020002
          read line <&3
          """;

  private static final String PASID_CAPABILITY =
      "Capabilities: [%x v1] Process Address Space ID (PASID)";
  private static final String ENABLED = "PASIDCtl: Enable+";

  private static MachineParts parts =
      new MachineParts(Path.of(""), Path.of(""), Path.of(""), Path.of(""), Path.of(""));

  @TempDir private Path folder;
  private Path results = Path.of("");

  @BeforeAll
  static void prepare() {
    parts = MachineParts.prepare();
  }

  @BeforeEach
  void nameResults(TestInfo test) {
    results =
        Path.of("target", "real-kernel", test.getTestMethod().orElseThrow().getName())
            .toAbsolutePath();
  }

  @Test
  void enablesPasidsOfAllFunctionsOfTheDaemon() throws IOException {
    try (ServeProcess daemon = ServeProcess.start(folder)) {
      Guest guest = look(daemon, false);

      assertThat(guest.firmware()).isEqualTo("BIOS");
      assertThat(guest.function(4)).contains(PASID_CAPABILITY.formatted(0x160), ENABLED);
      assertThat(guest.function(5))
          .contains(PASID_CAPABILITY.formatted(daemon.vpasidOffset("second")), ENABLED);
    }
  }

  @Test
  void enablesPasidsUnderUefi() throws IOException {
    try (ServeProcess daemon = ServeProcess.start(folder)) {
      Guest guest = look(daemon, true);

      assertThat(guest.firmware()).isEqualTo("UEFI");
      assertThat(guest.function(4)).contains(PASID_CAPABILITY.formatted(0x160), ENABLED);
      assertThat(guest.function(5))
          .contains(PASID_CAPABILITY.formatted(daemon.vpasidOffset("second")), ENABLED);
    }
  }

  @Test
  void enablesPasidsAfterTheDaemonWasKilledAndStartedAgain() throws IOException {
    ServeProcess killed = ServeProcess.start(folder);
    look(killed, false);
    killed.kill();

    try (ServeProcess again = ServeProcess.start(folder)) {
      assertThat(look(again, false).function(4))
          .contains(PASID_CAPABILITY.formatted(0x160), ENABLED);
    }
  }

  @Test
  void attachesAndDetachesThroughTheMailboxWithSetpci() throws IOException {
    try (ServeProcess daemon = ServeProcess.start(folder);
        GuestMachine machine = boot(daemon, false, ASK)) {
      BufferedReader guest = said(machine);

      assertThat(guest.readLine()).as("status: request 1, no error").isEqualTo("00010000");
      assertThat(daemon.ask("query-attachments").replaceAll("\\s", ""))
          .contains("\"function\":\"first\",\"pasid\":5,\"space\":1,\"name\":\"shell\"");

      machine.send("\n");
      assertThat(guest.readLine()).as("status: request 2, no error").isEqualTo("00020000");
      assertThat(daemon.ask("query-attachments").replaceAll("\\s", ""))
          .contains("\"attachments\":[]");

      machine.send("\n");
      machine.awaitEnd();
    }
  }

  /// What a guest says of itself.
  ///
  /// @param firmware `BIOS` or `UEFI`
  /// @param lspci what its `lspci -vvv` says of the served functions
  private record Guest(String firmware, String lspci) {

    /// The part about the function in slot `slot` of the root bus.
    String function(int slot) {
      String from = lspci.substring(lspci.indexOf("00:%02x.0 ".formatted(slot)));
      return from.substring(0, from.indexOf("\n\n"));
    }
  }

  private Guest look(ServeProcess daemon, boolean isUefi) throws IOException {
    try (GuestMachine machine = boot(daemon, isUefi, LOOK)) {
      String said = String.join("\n", said(machine).lines().toList());
      machine.awaitEnd();
      String[] firmwareAndFunctions = said.split("\n", 2);
      return new Guest(firmwareAndFunctions[0], firmwareAndFunctions[1]);
    }
  }

  private GuestMachine boot(ServeProcess daemon, boolean isUefi, String script) {
    return GuestMachine.boot(
        parts,
        new GuestMachine.Setup(
            script,
            List.of(
                new GuestMachine.Function("04.0", daemon.first()),
                new GuestMachine.Function("05.0", daemon.second())),
            isUefi,
            LIMIT),
        results);
  }

  private static BufferedReader said(GuestMachine machine) {
    return new BufferedReader(
        new InputStreamReader(machine.reports(), StandardCharsets.ISO_8859_1));
  }
}
