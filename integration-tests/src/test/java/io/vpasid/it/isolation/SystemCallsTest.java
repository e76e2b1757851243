package io.vpasid.it.isolation;

import static java.util.stream.Collectors.joining;
import static org.assertj.core.api.Assertions.assertThat;

import io.vpasid.testing.InstalledTool;
import io.vpasid.testing.Need;
import io.vpasid.testing.Needs;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.NavigableSet;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// The system calls of a daemon that does everything it can do without hardware, by thread, and the
/// filter that systemd is to put around it.
class SystemCallsTest {
  /// As in `4711<vfio-user-2-1> recvmsg(7, …`.
  private static final Pattern CALL = Pattern.compile("^\\d+<([^>]*)> (\\w+)\\(");

  private static final Path UNIT = Path.of("../packaging/vpasid.service");

  @Needs({Need.STRACE, Need.SYSTEMD_ANALYZE})
  @Test
  void theUnitPermitsWhatTheDaemonCalls(@TempDir Path folder) throws Exception {
    SortedMap<String, NavigableSet<String>> calls = callsOf(folder, DaemonProcess.Setup.of(3));

    calls.forEach((thread, names) ->
        Attack.note("system calls of " + thread, names.stream().collect(joining(" "))));
    assertThat(all(calls)).contains("io_submit", "mmap", "recvmsg", "accept4");
    assertThat(permitted(UNIT)).containsAll(all(calls));
  }

  @Needs({Need.STRACE, Need.SYSTEMD_ANALYZE})
  @Test
  void theUnitPermitsWhatAParentOfTenantsCallsToo(@TempDir Path folder) throws Exception {
    NavigableSet<String> all = all(callsOf(folder, DaemonProcess.Setup.of(3).isolated()));

    assertThat(all).contains("execve", "wait4", "recvmsg");
    assertThat(permitted(UNIT)).containsAll(all);
  }

  private static NavigableSet<String> all(SortedMap<String, NavigableSet<String>> byThread) {
    NavigableSet<String> all = new TreeSet<>();
    byThread.values().forEach(all::addAll);
    return all;
  }

  private static SortedMap<String, NavigableSet<String>> callsOf(
      Path folder, DaemonProcess.Setup what) throws Exception {
    Files.createDirectory(folder.resolve("quirks"));
    Path trace = folder.resolve("trace");
    List<String> strace =
        List.of("strace", "-D", "-f", "-Y", "-qq", "-e", "signal=none", "-o", trace.toString());
    DaemonProcess.Setup setup =
        what.with(
                "\"metrics\": {}, \"users\": "
                    + own("uid")
                    + ", \"mode\": \"0660\", \"quirks\": \"quirks\"")
            .within(strace);
    try (DaemonProcess daemon = DaemonProcess.start(folder, setup)) {
      useEverything(daemon, folder);
      daemon.end();
    }

    return callsByThread(trace);
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

  private static SortedMap<String, NavigableSet<String>> callsByThread(Path trace)
      throws IOException {
    SortedMap<String, NavigableSet<String>> calls = new TreeMap<>();
    try (Stream<String> lines = Files.lines(trace, StandardCharsets.ISO_8859_1)) {
      lines
          .map(CALL::matcher)
          .filter(Matcher::find)
          .forEach(call ->
              calls
                  .computeIfAbsent(kindOf(call.group(1)), _ -> new TreeSet<>())
                  .add(call.group(2)));
    }
    return calls;
  }

  /// The threads of which there are several, or which the JVM has for itself, are one kind each.
  private static String kindOf(String thread) {
    String kind = thread.replaceFirst("[ -]?[0-9].*$", "");
    return Set.of("vfio-user", "control", "worker", "log", "requests").contains(kind)
        ? kind
        : "the JVM";
  }

  /// What the lines `SystemCallFilter=` of a unit permit, as systemd adds and takes away.
  private static Set<String> permitted(Path unit) throws Exception {
    Set<String> permitted = new TreeSet<>();
    for (String line : Files.readAllLines(unit)) {
      if (line.startsWith("SystemCallFilter=")) {
        String names = line.substring("SystemCallFilter=".length());
        boolean without = names.startsWith("~");
        for (String name : names.replace("~", "").split(" ", -1)) {
          Set<String> expanded = expanded(name);
          if (without) {
            permitted.removeAll(expanded);
          } else {
            permitted.addAll(expanded);
          }
        }
      }
    }
    // A list of what is permitted always has these.
    permitted.addAll(expanded("@default"));
    return permitted;
  }

  private static Set<String> expanded(String name) {
    Set<String> all = new TreeSet<>();
    if (!name.startsWith("@")) {
      all.add(name);
      return all;
    }
    InstalledTool.run("systemd-analyze", "syscall-filter", name)
        .lines()
        .skip(1)
        .map(String::strip)
        .filter(line -> !line.startsWith("#"))
        .forEach(line -> all.addAll(expanded(line)));
    return all;
  }
}
