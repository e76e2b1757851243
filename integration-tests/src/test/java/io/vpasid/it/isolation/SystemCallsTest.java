package io.vpasid.it.isolation;

import static java.util.stream.Collectors.joining;
import static org.assertj.core.api.Assertions.assertThat;

import io.vpasid.testing.Need;
import io.vpasid.testing.Needs;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.NavigableSet;
import java.util.SortedMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// The system calls of a daemon that does everything it can do without hardware, by thread, and the
/// filter that systemd is to put around it.
class SystemCallsTest {
  @Needs({Need.STRACE, Need.SYSTEMD_ANALYZE})
  @Test
  void theUnitPermitsWhatTheDaemonCalls(@TempDir Path folder) throws Exception {
    SortedMap<String, NavigableSet<String>> calls = callsOf(folder, DaemonProcess.Setup.of(3));

    calls.forEach((thread, names) ->
        Attack.note("system calls of " + thread, names.stream().collect(joining(" "))));
    assertThat(SystemCalls.all(calls)).contains("io_submit", "mmap", "recvmsg", "accept4");
    assertThat(SystemCalls.permittedByTheUnit()).containsAll(SystemCalls.all(calls));
  }

  @Needs({Need.STRACE, Need.SYSTEMD_ANALYZE})
  @Test
  void theUnitPermitsWhatAParentOfTenantsCallsToo(@TempDir Path folder) throws Exception {
    NavigableSet<String> all =
        SystemCalls.all(callsOf(folder, DaemonProcess.Setup.of(3).isolated()));

    assertThat(all).contains("execve", "wait4", "recvmsg");
    assertThat(SystemCalls.permittedByTheUnit()).containsAll(all);
  }

  private static SortedMap<String, NavigableSet<String>> callsOf(
      Path folder, DaemonProcess.Setup what) throws Exception {
    Files.createDirectory(folder.resolve("quirks"));
    Path trace = folder.resolve("trace");
    DaemonProcess.Setup setup =
        what.with(
                "\"metrics\": {}, \"users\": "
                    + own("uid")
                    + ", \"mode\": \"0660\", \"quirks\": \"quirks\"")
            .within(SystemCalls.tracing(trace));
    try (DaemonProcess daemon = DaemonProcess.start(folder, setup)) {
      useEverything(daemon, folder);
      daemon.end();
    }

    return SystemCalls.byThread(trace);
  }

  private static void useEverything(DaemonProcess daemon, Path folder) throws Exception {
    try (Client client = Client.agreed(daemon.socket(0));
        Client _ = Client.agreed(daemon.socket(1))) {
      client.readConfig();
      client.write(0, 0, new byte[] {1, 2, 3, 4});
      int eventfd = Calls.eventfd();
      assertThat(client.setEventfd(0, eventfd)).isZero();
      assertThat(client.trigger(0)).isZero();
      assertThat(client.map(0, 4096, 0, Calls.memoryFile(1 << 20, true))).isZero();
      assertThat(client.map(1 << 20, 4096, 0, Calls.memoryFile(1 << 20, false))).isZero();
      Path file = Files.write(folder.resolve("memory"), new byte[1 << 16]);
      assertThat(client.map(1 << 21, 4096, 0, Calls.open(file))).isZero();
    }
    String f2 = "\"arguments\":{\"function\":\"f2\"}}";
    assertThat(
            daemon.control(
                "{\"execute\":\"query-version\"}",
                "{\"execute\":\"query-function\"," + f2,
                "{\"execute\":\"query-limits\"}",
                "{\"execute\":\"query-metrics\"}",
                "{\"execute\":\"quirks-reload\"}",
                "{\"execute\":\"address-space-add\",\"arguments\":{\"name\":\"a\"}}",
                "{\"execute\":\"function-reset\"," + f2,
                "{\"execute\":\"function-del\"," + f2,
                """
                {"execute":"function-add","arguments":{"name":"f2","source":"function.json",\
                "socket":"f2.sock","iommu":"intel","owner":%s,"group":%s,"mode":"0660"}}\
                """
                    .formatted(own("uid"), own("gid"))))
        .contains("return");
    assertThat(metrics(folder.resolve("control.sock.metrics"))).contains("200 OK");
    try (Client client = Client.agreed(daemon.socket(2))) {
      client.readConfig();
    }
    assertThat(new ProcessBuilder("kill", "-HUP", "" + daemon.process().pid()).start().waitFor())
        .isZero();
  }

  private static Object own(String id) throws IOException {
    return Files.getAttribute(Path.of("/proc/self"), "unix:" + id);
  }

  private static String metrics(Path socket) throws IOException {
    try (SocketChannel channel = SocketChannel.open(UnixDomainSocketAddress.of(socket))) {
      channel.write(
          ByteBuffer.wrap("GET /metrics HTTP/1.0\r\n\r\n".getBytes(StandardCharsets.US_ASCII)));
      ByteBuffer answer = ByteBuffer.allocate(64);
      channel.read(answer);
      return new String(answer.array(), 0, answer.position(), StandardCharsets.US_ASCII);
    }
  }
}
