package io.vpasid.it.realkernel;

import static org.assertj.core.api.Assertions.assertThat;

import io.vpasid.guest.cli.Main;
import io.vpasid.guest.control.ControlClient;
import io.vpasid.guest.vfiouser.VfioUserClient;
import io.vpasid.it.isolation.Calls;
import io.vpasid.it.isolation.SystemCalls;
import io.vpasid.testing.Need;
import io.vpasid.testing.Needs;
import io.vpasid.vmm.vfio.PciIndex;
import java.io.BufferedReader;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.NavigableSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// The system calls of a daemon that passes a function through, and the filter that systemd is to
/// put around it.
@InRealKernel(seconds = 900)
class PassedThroughSystemCallsTest {
  private static final Duration PATIENCE = Duration.ofSeconds(400);

  /// The PASID control register of the function's own PASID capability.
  private static final int PASID_CONTROL = 0x166;

  @Needs({Need.STRACE, Need.SYSTEMD_ANALYZE})
  @Test
  void theUnitPermitsWhatADaemonWithHardwareCalls(@TempDir Path folder) throws Exception {
    Path configuration =
        Files.writeString(
            folder.resolve("serve.json"),
            """
            { "format": 1,
              "control": { "socket": "control.sock" },
              "functions": [
                { "name": "f", "source": "0000:00:04.0", "passthrough": true, "socket": "f.sock" } ],
              "addressSpaces": [ { "name": "empty" }, { "name": "guest", "guestMemory": true } ] }
            """);
    Path trace = folder.resolve("trace");
    List<String> words = new ArrayList<>(SystemCalls.tracing(trace));
    words.addAll(
        GuestJava.current()
            .command(
                List.of("-Djava.io.tmpdir=" + folder),
                Main.class,
                "serve",
                configuration.toString()));
    Process daemon =
        new ProcessBuilder(words).redirectError(ProcessBuilder.Redirect.INHERIT).start();
    try {
      BufferedReader said = daemon.inputReader();
      String line = said.readLine();
      while (line != null && !line.startsWith("control socket")) {
        line = said.readLine();
      }
      assertThat(line).as("it serves").isNotNull();
      useEverything(folder);
      daemon.destroy();
      assertThat(daemon.waitFor()).isZero();
    } finally {
      daemon.destroyForcibly();
    }

    NavigableSet<String> calls = SystemCalls.all(SystemCalls.byThread(trace));
    System.out.println("system calls with hardware: " + String.join(" ", calls));
    assertThat(calls).contains("ioctl", "pread64", "pwrite64");
    assertThat(SystemCalls.permittedByTheUnit()).containsAll(calls);
  }

  private static void useEverything(Path folder) throws Exception {
    try (ControlClient control = ControlClient.connect(folder.resolve("control.sock"), PATIENCE);
        VfioUserClient guest =
            VfioUserClient.connect(
                folder.resolve("f.sock"),
                VfioUserClient.Options.defaults().withTimeout(PATIENCE))) {
      var _ = guest.read(PciIndex.CONFIG_REGION, 0, 4);
      guest.shareDma(0x10000, 0x1000, Calls.memoryFile(0x1000, true));
      guest.write(PciIndex.CONFIG_REGION, PASID_CONTROL, ByteBuffer.wrap(new byte[] {1, 0}));
      for (String space : List.of("empty", "guest")) {
        control.execute("pasid-attach", Map.of("function", "f", "pasid", "5", "space", space));
      }
      control.execute("pasid-detach", Map.of("function", "f", "pasid", "5"));
      guest.unmapDma(0x10000, 0x1000);
      control.execute("function-reset", Map.of("function", "f"));
      guest.reset();
    }
  }
}
