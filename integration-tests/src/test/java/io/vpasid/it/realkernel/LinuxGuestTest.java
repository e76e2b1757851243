package io.vpasid.it.realkernel;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInfo;
import org.junit.jupiter.api.io.TempDir;

/// A Linux guest in QEMU, whose functions `./vpasid serve` serves: it finds the synthesized
/// capability where we put it, and enables PASIDs through it. What the guest has, its own `lspci`
/// says.
@Tag(InRealKernel.TAG)
class LinuxGuestTest {
  private static final String WITH_PASID = "0000:6a:01.0";
  private static final String WITHOUT_PASID = "0000:6a:02.0";
  private static final Duration LIMIT = Duration.ofMinutes(3);

  /// Says what Linux booted from, then what the functions are like.
  private static final String SCRIPT =
      """
      for port in /sys/class/virtio-ports/*; do
        [ "$(cat $port/name)" != reports ] || reports=/dev/${port##*/}
      done
      { [ -d /sys/firmware/efi ] && echo UEFI || echo BIOS; lspci -n -vvv -d f00d:; } >$reports
      """;

  private static final String PASID_CAPABILITY =
      "Capabilities: [%x v1] Process Address Space ID (PASID)";
  private static final String ENABLED = "PASIDCtl: Enable+";

  private static MachineParts parts = new MachineParts(Path.of(""), Path.of(""), Path.of(""));

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
  void enablesPasidsThroughTheSynthesizedCapability() throws IOException {
    try (ServeProcess first = serve(WITH_PASID)) {
      Guest guest = boot(false, first);

      assertThat(guest.firmware()).isEqualTo("BIOS");
      assertThat(guest.function(4)).contains(PASID_CAPABILITY.formatted(0x160), ENABLED);
    }
  }

  @Test
  void enablesPasidsUnderUefi() throws IOException {
    try (ServeProcess first = serve(WITH_PASID)) {
      Guest guest = boot(true, first);

      assertThat(guest.firmware()).isEqualTo("UEFI");
      assertThat(guest.function(4)).contains(PASID_CAPABILITY.formatted(0x160), ENABLED);
    }
  }

  @Test
  void enablesPasidsOfTwoFunctions() throws IOException {
    try (ServeProcess first = serve(WITH_PASID);
        ServeProcess second = serve(WITHOUT_PASID)) {
      Guest guest = boot(false, first, second);

      assertThat(guest.function(4)).contains(PASID_CAPABILITY.formatted(0x160), ENABLED);
      assertThat(guest.function(5))
          .contains(PASID_CAPABILITY.formatted(second.vpasidOffset()), ENABLED);
    }
  }

  @Test
  void enablesPasidsAfterTheDaemonWasKilledAndStartedAgain() throws IOException {
    ServeProcess killed = serve(WITH_PASID);
    boot(false, killed);
    killed.kill();

    try (ServeProcess again = serve(WITH_PASID)) {
      assertThat(again.socket()).isEqualTo(killed.socket());
      assertThat(boot(false, again).function(4))
          .contains(PASID_CAPABILITY.formatted(0x160), ENABLED);
    }
  }

  private ServeProcess serve(String address) {
    return ServeProcess.start(address, folder.resolve(address.replace(':', '-') + ".sock"));
  }

  /// What a guest says of itself.
  ///
  /// @param firmware `BIOS` or `UEFI`
  /// @param lspci what its `lspci -vvv` says of the served functions
  private record Guest(String firmware, String lspci) {

    /// The part about the function in slot `slot` of the root bus.
    String function(int slot) {
      String from = lspci.substring(lspci.indexOf("00:%02x.0 ".formatted(slot)));
      int end = from.indexOf("\n\n");
      return end < 0 ? from : from.substring(0, end);
    }
  }

  private Guest boot(boolean isUefi, ServeProcess... served) throws IOException {
    List<Path> sockets = Arrays.stream(served).map(ServeProcess::socket).toList();
    GuestMachine.Setup setup = new GuestMachine.Setup(SCRIPT, sockets, isUefi, LIMIT);
    try (GuestMachine machine = GuestMachine.boot(parts, setup, results)) {
      String said = new String(machine.reports().readAllBytes(), StandardCharsets.ISO_8859_1);
      machine.awaitEnd();
      String[] firmwareAndFunctions = said.split("\n", 2);
      return new Guest(firmwareAndFunctions[0], firmwareAndFunctions[1]);
    }
  }
}
