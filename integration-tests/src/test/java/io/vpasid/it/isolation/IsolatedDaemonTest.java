package io.vpasid.it.isolation;

import static org.assertj.core.api.Assertions.assertThat;

import io.vpasid.testing.Need;
import io.vpasid.testing.Needs;
import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// `serve --isolate`: a process for each tenant, and one that keeps them together.
@Timeout(value = 180, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class IsolatedDaemonTest {
  private static final Pattern PID = Pattern.compile("\"pid\":(\\d+)");

  /// Nobody's user id, in a machine of tests.
  private static final int STRANGER = 54_321;

  @TempDir private Path folder;

  private DaemonProcess start(DaemonProcess.Setup setup) throws IOException {
    return DaemonProcess.start(folder, setup.isolated());
  }

  private static String command(String name, String... arguments) {
    StringBuilder text = new StringBuilder("{\"execute\":\"" + name + "\",\"arguments\":{");
    for (int i = 0; i < arguments.length; i += 2) {
      text.append(i == 0 ? "" : ",").append('"').append(arguments[i]).append("\":");
      text.append(arguments[i + 1]);
    }
    return text.append("}}").toString();
  }

  private static String add(String name, String socket) {
    return command(
        "function-add",
        "name",
        "\"" + name + "\"",
        "source",
        "\"function.json\"",
        "socket",
        "\"" + socket + "\"",
        "attachBeforeEnable",
        "true");
  }

  /// What `query-tenants` says of one.
  private static String tenant(DaemonProcess daemon, String name) throws IOException {
    String all = daemon.control(command("query-tenants"));
    int begin = all.indexOf("{\"tenant\":\"" + name + "\"");
    assertThat(begin).as(all).isPositive();
    return all.substring(begin, all.indexOf('}', begin));
  }

  private static ProcessHandle process(DaemonProcess daemon, String name) throws IOException {
    Matcher pid = PID.matcher(tenant(daemon, name));
    assertThat(pid.find()).isTrue();
    return ProcessHandle.of(Long.parseLong(pid.group(1))).orElseThrow();
  }

  private static void hasEnded(ProcessHandle process) throws Exception {
    process.onExit().get(30, TimeUnit.SECONDS);
  }

  /// A control client that has switched nothing on, and reads what it is told.
  private static final class Watcher implements AutoCloseable {
    private final SocketChannel channel;
    private final BufferedReader in;

    Watcher(Path control) throws IOException {
      channel = SocketChannel.open(UnixDomainSocketAddress.of(control));
      in = new BufferedReader(Channels.newReader(channel, StandardCharsets.UTF_8));
      BufferedWriter out = new BufferedWriter(Channels.newWriter(channel, StandardCharsets.UTF_8));
      in.readLine();
      out.write("{\"execute\":\"qmp_capabilities\"}\n");
      out.flush();
      in.readLine();
    }

    String await(String event) throws IOException {
      String line = in.readLine();
      while (line != null && !line.contains("\"" + event + "\"")) {
        line = in.readLine();
      }
      return String.valueOf(line);
    }

    @Override
    public void close() throws IOException {
      channel.close();
    }
  }

  @Test
  void eachFunctionHasAProcessUnlessItsTenantHasSeveral() throws IOException {
    try (DaemonProcess daemon = start(DaemonProcess.Setup.of(3))) {
      assertThat(daemon.control(command("query-tenants")))
          .contains("\"functions\":[\"f0\"]", "\"functions\":[\"f1\"]", "\"functions\":[\"f2\"]");
      assertThat(daemon.process().descendants()).hasSize(3);
      assertThat(daemon.control(command("query-functions")))
          .contains("\"name\":\"f0\"", "\"name\":\"f1\"", "\"name\":\"f2\"");
      daemon.isWellAndEnds(1);
    }
  }

  @Test
  void aProcessThatHangsIsKilledAndStartedAgainAndItsNeighbourIsNot() throws Exception {
    DaemonProcess.Setup setup =
        DaemonProcess.Setup.of(2).with("\"limits\": { \"tenantSeconds\": 12 }");
    try (DaemonProcess daemon = start(setup);
        Watcher watcher = new Watcher(daemon.control());
        Client neighbour = Client.agreed(daemon.socket(1))) {
      neighbour.readConfig();
      ProcessHandle victim = process(daemon, "f0");

      assertThat(new ProcessBuilder("kill", "-STOP", "" + victim.pid()).start().waitFor()).isZero();

      assertThat(watcher.await("TENANT_SILENT"))
          .contains("\"tenant\":\"f0\"", "\"pid\":" + victim.pid());
      assertThat(watcher.await("TENANT_ENDED")).contains("\"tenant\":\"f0\"", "\"exit\":137");
      assertThat(watcher.await("TENANT_STARTED")).contains("\"tenant\":\"f0\"");
      neighbour.readConfig();
      try (Client again = Client.agreed(daemon.socket(0))) {
        again.readConfig();
      }
      assertThat(daemon.log()).contains("answers nothing any more");
      daemon.isWellAndEnds(0);
    }
  }

  @Test
  void aProcessThatIsKilledIsStartedAgainAndItsNeighbourNoticesNothing() throws Exception {
    try (DaemonProcess daemon = start(DaemonProcess.Setup.of(2));
        Watcher watcher = new Watcher(daemon.control());
        Client neighbour = Client.agreed(daemon.socket(1))) {
      neighbour.readConfig();
      ProcessHandle victim = process(daemon, "f0");

      victim.destroyForcibly();

      assertThat(watcher.await("TENANT_ENDED"))
          .contains("\"tenant\":\"f0\"", "\"exit\":137", "\"startsIn\":400");
      assertThat(watcher.await("TENANT_STARTED")).contains("\"tenant\":\"f0\"");
      assertThat(process(daemon, "f0").pid()).isNotEqualTo(victim.pid());
      neighbour.readConfig();
      try (Client again = Client.agreed(daemon.socket(0))) {
        again.readConfig();
      }
      daemon.isWellAndEnds(0);
    }
  }

  @Test
  void commandsOfOneSocketReachEveryProcess() throws Exception {
    try (DaemonProcess daemon = start(DaemonProcess.Setup.of(2))) {
      assertThat(daemon.control(command("address-space-add", "name", "\"shared\"")))
          .contains("\"handle\":1", "[\"f0\",\"f1\"]");
      assertThat(
              daemon.control(
                  command("address-space-add", "name", "\"one\"", "functions", "\"f1\"")))
          .contains("\"handle\":2", "[\"f1\"]");
      assertThat(daemon.control(add("more", "more.sock"))).contains("\"name\":\"more\"");
      assertThat(
              daemon.control(
                  command("pasid-attach", "function", "\"more\"", "pasid", "5", "space", "1")))
          .contains("\"space\":1");
      assertThat(daemon.control(command("query-attachments")))
          .contains("\"function\":\"more\",\"pasid\":5,\"space\":1,\"name\":\"shared\"");
      assertThat(
              daemon.control(
                  command("pasid-attach", "function", "\"more\"", "pasid", "6", "space", "2")))
          .contains("error");
      assertThat(daemon.control(command("address-space-del", "space", "1")))
          .contains("error", "1 of more");
      assertThat(daemon.control(command("address-space-list")))
          .contains("[\"f0\",\"f1\",\"more\"],\"attached\":1", "[\"f1\"],\"attached\":0");

      hasRestarted(daemon, "more");

      assertThat(
              daemon.control(
                  command("pasid-attach", "function", "\"more\"", "pasid", "7", "space", "1")))
          .contains("\"pasid\":7,\"space\":1");
      assertThat(daemon.control(command("function-del", "function", "\"more\"")))
          .contains("\"detached\":1");
      assertThat(daemon.process().descendants()).hasSize(2);
      assertThat(daemon.control(command("config-read", "function", "\"more\"", "offset", "0")))
          .contains("DeviceNotFound");
      assertThat(daemon.control(command("quirks-reload"))).contains("\"quirks\":");
      assertThat(daemon.control(command("query-metrics")))
          .contains(
              "vpasid_tenant_serves{tenant=\\\"f0\\\"} 1",
              "vpasid_functions{tenant=\\\"f1\\\"} 1",
              "vpasid_pasid_enabled{tenant=\\\"f0\\\",function=\\\"f0\\\"} 0");
      daemon.isWellAndEnds(0);
    }
  }

  private static void hasRestarted(DaemonProcess daemon, String name) throws IOException {
    try (Watcher watcher = new Watcher(daemon.control())) {
      assertThat(daemon.control(command("tenant-restart", "tenant", "\"" + name + "\"")))
          .contains("return");
      watcher.await("TENANT_STARTED");
    }
  }

  @Test
  void eventsOfEveryProcessAreToldAndAReloadReachesAll() throws Exception {
    try (DaemonProcess daemon = start(DaemonProcess.Setup.of(2));
        Watcher watcher = new Watcher(daemon.control())) {
      try (Client client = Client.agreed(daemon.socket(1))) {
        client.readConfig();
        assertThat(watcher.await("CLIENT_CONNECTED")).contains("\"function\":\"f1\"");
      }
      assertThat(watcher.await("CLIENT_DISCONNECTED")).contains("\"function\":\"f1\"");

      new ProcessBuilder("kill", "-HUP", Long.toString(daemon.process().pid())).start().waitFor();

      assertThat(watcher.await("QUIRKS_RELOADED")).contains("quirks");
      assertThat(watcher.await("QUIRKS_RELOADED")).contains("quirks");
      daemon.end();
      assertThat(watcher.await("SHUTDOWN")).contains("SHUTDOWN");
    }
  }

  @Test
  void aTenantWhoseStartIsHopelessIsGivenUpUntilSomebodySaysOtherwise() throws Exception {
    try (DaemonProcess daemon = start(DaemonProcess.Setup.of(2));
        Watcher watcher = new Watcher(daemon.control())) {
      ProcessHandle victim = process(daemon, "f0");
      Path source = folder.resolve("function.json");
      byte[] good = Files.readAllBytes(source);
      Files.writeString(source, "{");

      victim.destroyForcibly();

      assertThat(watcher.await("TENANT_ENDED")).contains("\"startsIn\"");
      assertThat(watcher.await("TENANT_ENDED")).contains("\"exit\":2").doesNotContain("startsIn");
      assertThat(tenant(daemon, "f0")).contains("\"state\":\"failed\"");
      assertThat(daemon.control(command("query-function", "function", "\"f0\"")))
          .contains("error", "query-tenants");
      Files.write(source, good);
      daemon.control(command("tenant-restart", "tenant", "\"f0\""));
      assertThat(watcher.await("TENANT_STARTED")).contains("\"tenant\":\"f0\"");
      daemon.isWellAndEnds(0);
    }
  }

  @Test
  void aFunctionWhoseProcessIsGivenUpCanBeDeleted() throws Exception {
    try (DaemonProcess daemon = start(DaemonProcess.Setup.of(2));
        Watcher watcher = new Watcher(daemon.control())) {
      Path source = folder.resolve("function.json");
      byte[] good = Files.readAllBytes(source);
      Files.writeString(source, "{");
      process(daemon, "f0").destroyForcibly();
      assertThat(watcher.await("TENANT_ENDED")).contains("\"startsIn\"");
      assertThat(watcher.await("TENANT_ENDED")).contains("\"exit\":2").doesNotContain("startsIn");

      assertThat(daemon.control(command("function-del", "function", "\"f0\"")))
          .contains("{\"return\":{\"detached\":0}}");

      assertThat(watcher.await("FUNCTION_DELETED")).contains("\"f0\"");
      assertThat(daemon.control(command("query-tenants"))).doesNotContain("f0");
      Files.write(source, good);
      assertThat(daemon.control(add("f0", "f0.sock"))).contains("\"name\":\"f0\"");
      daemon.isWellAndEnds(0);
    }
  }

  @Test
  void whatATemporaryClientAddedGoesWithIt() throws Exception {
    try (DaemonProcess daemon = start(DaemonProcess.Setup.of(1));
        Watcher watcher = new Watcher(daemon.control())) {
      try (SocketChannel client =
          SocketChannel.open(UnixDomainSocketAddress.of(daemon.control()))) {
        BufferedWriter out = new BufferedWriter(Channels.newWriter(client, StandardCharsets.UTF_8));
        out.write("{\"execute\":\"qmp_capabilities\",\"arguments\":{\"enable\":\"temporary\"}}");
        out.write(add("guest", "guest.sock"));
        out.flush();
        assertThat(watcher.await("TENANT_STARTED")).contains("\"tenant\":\"guest\"");
        BufferedReader in = new BufferedReader(Channels.newReader(client, StandardCharsets.UTF_8));
        String line = in.readLine();
        while (!line.contains("\"name\":\"guest\"")) {
          line = in.readLine();
        }
      }
      String left = daemon.control(command("query-functions"));
      while (left.contains("guest")) {
        left = daemon.control(command("query-functions"));
      }
      assertThat(folder.resolve("guest.sock")).doesNotExist();
      daemon.isWellAndEnds(0);
    }
  }

  @Test
  void anIommuGoesWithTheFunctionWhoseHostItNeeds() throws Exception {
    try (DaemonProcess daemon = start(DaemonProcess.Setup.of(1))) {
      String addMore =
          add("more", "more.sock").replace("}}", ",\"iommu\":\"intel\",\"tenant\":\"f0\"}}");
      assertThat(daemon.control(addMore)).contains("\"name\":\"more\"");
      assertThat(daemon.control(addIommu("more@04.0"))).contains("return");

      assertThat(daemon.control(command("function-del", "function", "\"more\"")))
          .contains("\"iommus\":[\"vtd\"]");

      assertThat(daemon.control(command("iommu-del", "iommu", "\"vtd\"")))
          .contains("there is no IOMMU 'vtd'");
      assertThat(daemon.control(addIommu("f0@04.0"))).contains("return");
      daemon.isWellAndEnds(0);
    }
  }

  private static String addIommu(String covers) {
    return command(
        "iommu-add", "name", "\"vtd\"", "socket", "\"vtd.sock\"", "covers", "[\"" + covers + "\"]");
  }

  @Test
  void processesEndWithTheirParentHoweverItEnds() throws Exception {
    try (DaemonProcess daemon = start(DaemonProcess.Setup.of(2))) {
      List<ProcessHandle> tenants = daemon.process().descendants().toList();
      assertThat(tenants).hasSize(2);

      daemon.process().destroyForcibly().waitFor();

      for (ProcessHandle tenant : tenants) {
        hasEnded(tenant);
      }
      assertThat(daemon.socket(0)).doesNotExist();
    }
  }

  @Test
  void aStartThatFailsEndsAllWithTheReason() throws Exception {
    Path blocked = Files.createDirectory(folder.resolve("f1.sock"));
    Process process = DaemonProcess.launch(folder, DaemonProcess.Setup.of(2).isolated());

    assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();

    assertThat(process.exitValue()).isEqualTo(2);
    assertThat(Files.readString(folder.resolve("serve.log")))
        .contains(blocked.toString(), "the process of tenant 'f1' does not start");
    assertThat(process.descendants()).isEmpty();
    assertThat(folder.resolve("f0.sock")).doesNotExist();
    assertThat(folder.resolve("control.sock.tenants")).doesNotExist();
  }

  /// Only root can give processes to others.
  @Needs({Need.ROOT, Need.ANOTHER_USER})
  @Test
  void aTenantsProcessIsItsUsers() throws Exception {
    Path theirs = Files.createDirectory(folder.resolve("theirs"));
    Files.setAttribute(theirs, "unix:uid", STRANGER);
    new ProcessBuilder("chmod", "a+rx", folder.toString()).start().waitFor();
    String keys =
        """
        "tenants": [ { "name": "guest", "user": %d, "group": %d } ]\
        """
            .formatted(STRANGER, STRANGER);
    String classPath =
        DaemonProcess.classPathForEverybody(Files.createDirectory(folder.resolve("classes")));
    try (DaemonProcess daemon = start(DaemonProcess.Setup.of(1).with(keys).classPath(classPath))) {
      assertThat(daemon.control(add("guest", "theirs/guest.sock"))).contains("return");
      ProcessHandle process = process(daemon, "guest");

      Path about = Path.of("/proc/" + process.pid());
      assertThat(Files.readString(about.resolve("status")))
          .containsPattern("Uid:\\s+54321\\s+54321\\s+54321\\s+54321")
          .containsPattern("CapEff:\\s+0000000000000000")
          .containsPattern("NoNewPrivs:\\s+1");
      assertThat(Files.getAttribute(theirs.resolve("guest.sock"), "unix:uid")).isEqualTo(STRANGER);
      assertThat(daemon.control(command("config-read", "function", "\"guest\"", "offset", "0")))
          .contains("f00d");
      daemon.isWellAndEnds(0);
    }
  }
}
