package io.vpasid.it.isolation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// A folder for temporary files from which nothing may be run.
class NoExecTest {
  @Test
  void interruptsArriveWhereNothingInTmpMayBeRun(@TempDir Path folder)
      throws IOException, InterruptedException {
    Path tmp = Files.createDirectory(folder.resolve("tmp"));
    List<String> mounted =
        List.of(
            "unshare",
            "--map-root-user",
            "--mount",
            "sh",
            "-c",
            "mount -t tmpfs -o noexec tmpfs \"$0\" && exec \"$@\"",
            tmp.toString());
    assumeTrue(
        new ProcessBuilder(DaemonProcess.concat(mounted, List.of("true"))).start().waitFor() == 0,
        "needs user namespaces with mounts in them");
    DaemonProcess.Setup setup =
        DaemonProcess.Setup.of(1).java("-Djava.io.tmpdir=" + tmp).within(mounted);
    try (DaemonProcess daemon = DaemonProcess.start(folder, setup);
        Client client = Client.agreed(daemon.socket(0))) {
      int eventfd = Calls.eventfd();
      assertThat(client.setEventfd(0, eventfd)).as(daemon.log()).isZero();
      assertThat(client.trigger(0)).isZero();
      assertThat(Calls.take(eventfd)).isEqualTo(1);
    }
  }
}
