package io.vpasid.it.isolation;

import static org.assertj.core.api.Assertions.assertThat;

import io.vpasid.testing.Need;
import io.vpasid.testing.Needs;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// A daemon that lacks memory, or a system call.
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class ShortageTest {
  private static final String FLAG = "-XX:+ExitOnOutOfMemoryError";
  private static final String WARNING = "may not use asynchronous I/O";

  @TempDir private Path folder;

  @Test
  void aThreadThatGetsNoMemoryEndsTheProcess() throws IOException, InterruptedException {
    Process process =
        DaemonProcess.launch(folder, DaemonProcess.Setup.of(2000).java(FLAG, "-Xmx10m"));
    try {
      assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
      assertThat(process.exitValue()).as(log()).isEqualTo(3);
    } finally {
      process.destroyForcibly();
    }
  }

  /// Where a JVM would be, a script says with what it was started.
  @Test
  void theInstalledLauncherStartsADaemonSo() throws IOException, InterruptedException {
    Path launcher = Files.createDirectories(folder.resolve("bin")).resolve("vpasid");
    Files.copy(Path.of("../packaging/launcher"), launcher);
    Path java =
        Files.writeString(
            Files.createDirectories(folder.resolve("lib/vpasid/runtime/bin")).resolve("java"),
            "#!/bin/sh\nprintf '%s\\n' \"$@\"\n");
    Files.setPosixFilePermissions(java, PosixFilePermissions.fromString("rwxr-xr-x"));

    assertThat(words(launcher, "serve", "x.json"))
        .contains(FLAG)
        .endsWith(folder.toRealPath() + "/bin/../lib/vpasid/vpasid.jar", "serve", "x.json");
    assertThat(words(launcher, "plan", "x.txt")).doesNotContain(FLAG);
  }

  private static List<String> words(Path launcher, String... arguments)
      throws IOException, InterruptedException {
    Process process =
        new ProcessBuilder(
                DaemonProcess.concat(List.of("sh", launcher.toString()), List.of(arguments)))
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).isZero();
    return said.lines().toList();
  }

  @Needs(Need.STRACE)
  @Test
  void asynchronousIoThatIsForbiddenIsToldOnceAndInterruptsArriveAllTheSame() throws IOException {
    List<String> without =
        List.of(
            "strace", "-D", "-f", "-qq", "-o", "/dev/null", "-e", "inject=io_setup:error=EPERM");
    try (DaemonProcess daemon =
            DaemonProcess.start(folder, DaemonProcess.Setup.of(4).within(without));
        Client client = Client.agreed(daemon.socket(0));
        Client other = Client.agreed(daemon.socket(1))) {
      for (Client each : List.of(client, other)) {
        int eventfd = Calls.eventfd();
        assertThat(each.setEventfd(0, eventfd)).isZero();
        assertThat(each.trigger(0)).isZero();
        assertThat(Calls.take(eventfd)).isEqualTo(1);
      }
      assertThat(daemon.log().split(WARNING, -1)).as(daemon.log()).hasSize(2);
      daemon.isWellAndEnds(2);
    }
  }

  @Test
  void asynchronousIoThatIsPermittedIsNotWorthALine() throws IOException {
    try (DaemonProcess daemon = DaemonProcess.start(folder, DaemonProcess.Setup.of(1))) {
      assertThat(daemon.log()).doesNotContain(WARNING);
      daemon.isWellAndEnds(0);
    }
  }

  private String log() throws IOException {
    return Files.readString(folder.resolve("serve.log"));
  }
}
