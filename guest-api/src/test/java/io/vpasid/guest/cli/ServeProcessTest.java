package io.vpasid.guest.cli;

import static java.util.stream.Collectors.joining;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.vpasid.guest.cli.terminal.ExitCode;
import io.vpasid.guest.control.ControlClient;
import io.vpasid.testing.Need;
import io.vpasid.testing.Needs;
import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// The daemon as a process of its own: signals, logs, users, restart.
class ServeProcessTest {

  /// What a pipe of Linux holds.
  private static final int PIPE_BYTES = 1 << 16;

  private static final Duration PATIENCE = Duration.ofSeconds(60);

  @TempDir private Path folder;
  private final List<Process> started = new ArrayList<>();

  @BeforeEach
  void writeConfiguration() throws IOException {
    var _ = Inputs.daemon(folder);
  }

  @AfterEach
  void endProcesses() throws InterruptedException {
    for (Process process : started) {
      process.destroyForcibly().waitFor();
    }
  }

  private Path control() {
    return folder.resolve("control.sock");
  }

  /// Starts the daemon through a shell, which redirects its error stream, and waits until it says
  /// that it serves.
  private Process start(String errors) throws IOException {
    String classes =
        String.join(
            File.pathSeparator,
            System.getProperty("java.class.path", ""),
            System.getProperty("jdk.module.path", ""));
    Process process =
        new ProcessBuilder(
                "sh",
                "-c",
                // whoever started the tests may ignore SIGHUP, as nohup does, or SIGINT, as `&`
                // does
                "exec env --unset=JAVA_TOOL_OPTIONS --default-signal=HUP,INT \"$0\" \"$@\" 2>"
                    + errors,
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED",
                "-XX:TieredStopAtLevel=1",
                "-XX:+UseSerialGC",
                "-cp",
                classes,
                Main.class.getName(),
                "serve",
                folder.resolve("serve.json").toString())
            .start();
    started.add(process);
    try (BufferedReader out = process.inputReader(StandardCharsets.UTF_8)) {
      assertThat(out.readLine()).startsWith("pf: 0000:17:00.0 f00d:0001 on ");
      assertThat(out.readLine()).startsWith("vf: 0000:17:00.1 f00d:0002 on ");
      assertThat(out.readLine()).startsWith("control socket ");
    }
    return process;
  }

  private Path errors() {
    return folder.resolve("errors");
  }

  private static void signal(String name, Process process) throws Exception {
    Process kill = new ProcessBuilder("kill", "-" + name, "" + process.pid()).start();
    assertThat(kill.waitFor()).isZero();
  }

  private static int exitCode(Process process) throws InterruptedException {
    assertThat(process.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS)).isTrue();
    return process.exitValue();
  }

  @Test
  void sigtermDetachesRemovesTheSocketsAndExitsWith0() throws Exception {
    Process daemon = start(errors().toString());
    try (ControlClient client = ControlClient.connect(control(), PATIENCE)) {
      client.execute("pasid-attach", Map.of("function", "vf", "pasid", "7", "space", "1"));
      signal("TERM", daemon);

      assertThat(exitCode(daemon)).isZero();
      assertThat(client.nextEvent(PATIENCE)).isPresent();
    }
    assertThat(folder.toFile().list((_, name) -> name.endsWith(".sock"))).isEmpty();
    assertThat(errors()).content().contains("\"detached\":1");
  }

  /// It ends for a second, because nobody reads its log, which is a pipe that is full.
  @ParameterizedTest
  @CsvSource({"TERM, TERM, 143", "INT, TERM, 143", "TERM, INT, 130"})
  @Timeout(120)
  void secondSignalEndsADaemonThatIsStillEnding(String first, String second, int code)
      throws Exception {
    Path pipe = folder.resolve("unread");
    assertThat(new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor()).isZero();
    try (RandomAccessFile unread = new RandomAccessFile(pipe.toFile(), "rw")) {
      unread.write(new byte[PIPE_BYTES]);
      Process daemon = start(pipe.toString());
      signal(first, daemon);
      await().atMost(PATIENCE).until(() -> Files.notExists(control()));
      signal(second, daemon);

      assertThat(exitCode(daemon)).isEqualTo(code);
    }
  }

  @Test
  void scenariosRunInTheDaemonAndLeaveNothing() throws Exception {
    start(errors().toString());

    Run run =
        Run.of(
            "run", "../scenarios", "--seed", "1", "--connect", control().toString(), "--jobs", "4");

    assertThat(run.err()).isEmpty();
    assertThat(run.out()).containsPattern("[1-9][0-9]* passed, 0 failed, 0 skipped");
    assertThat(run.code()).isEqualTo(ExitCode.DONE);
    try (ControlClient client = ControlClient.connect(control(), PATIENCE)) {
      assertThat(client.execute("query-functions", Map.of())).hasSize(2);
      assertThat(client.execute("address-space-list", Map.of())).hasSize(1);
    }
  }

  @Test
  void daemonThatIsKilledEndsTheRunWithALine() throws Exception {
    Process daemon = start(errors().toString());
    Thread killer =
        Thread.ofVirtual()
            .start(() -> {
              await().atMost(PATIENCE).until(() -> errors().toFile().length() > 100_000);
              daemon.destroyForcibly();
            });
    Path report = folder.resolve("report.xml");

    Run run =
        Run.of(
            "run",
            "../scenarios",
            "--repeat",
            "1000",
            "--connect",
            control().toString(),
            "--junit-xml",
            report.toString());

    killer.join();
    assertThat(run.err())
        .matches(
            "vpasid: the daemon at "
                + control()
                + " is gone: it ended the connection; [0-9]+ runs have no result\\R");
    assertThat(run.out()).contains(" passed, 0 failed, 0 skipped");
    assertThat(report).content().contains("</testsuites>");
    assertThat(run.code()).isEqualTo(ExitCode.ENVIRONMENT);
    assertThat(folder.toFile().list((_, name) -> name.startsWith("run-"))).isEmpty();
  }

  @Test
  void sighupReloadsQuirksAndKeepsTheTableIfTheyAreBad() throws Exception {
    Process daemon = start(errors().toString());
    Path quirk = folder.resolve("quirks/site.json");
    Files.writeString(
        quirk,
        """
        { "format": 1, "quirks": [
          { "id": "t", "name": "Made up", "source": "this test", "match": { "vendor": "0xf00d" },
            "place": "0x400" } ] }
        """);
    signal("HUP", daemon);
    await()
        .atMost(PATIENCE)
        .untilAsserted(() -> assertThat(errors()).content().contains("were read again"));

    Files.writeString(quirk, "{ \"format\": 1, \"quirks\": [ {} ] }");
    signal("HUP", daemon);
    await()
        .atMost(PATIENCE)
        .untilAsserted(
            () -> assertThat(errors()).content().contains("site.json:1:28: the quirk has no"));
    assertThat(Files.readAllLines(errors()).stream().filter(l -> l.contains("site.json")))
        .hasSize(1);
    try (ControlClient client = ControlClient.connect(control(), PATIENCE)) {
      client.execute("function-del", Map.of("function", "vf"));
      assertThat(
              client
                  .execute(
                      "function-add",
                      Map.of(
                          "name", "vf",
                          "source", "machine.txt",
                          "address", "0000:17:00.1",
                          "socket", "vf.sock"))
                  .path("vpasid")
                  .asString(""))
          .as("the last good table")
          .isEqualTo("0x400");
    }
  }

  @Test
  void daemonThatWasKilledIsStartedAgain() throws Exception {
    Process killed = start(errors().toString());
    killed.destroyForcibly().waitFor();
    assertThat(control()).exists();

    Process daemon = start(errors().toString());
    try (ControlClient client = ControlClient.connect(control(), PATIENCE)) {
      assertThat(client.execute("query-functions", Map.of()).size()).isEqualTo(2);
    }
    signal("TERM", daemon);
    assertThat(exitCode(daemon)).isZero();
  }

  @Test
  void fullDiskForLogsCostsLinesAndNothingElse() throws Exception {
    Process daemon = start("/dev/full");
    try (ControlClient client = ControlClient.connect(control(), PATIENCE)) {
      client.execute("function-reset", Map.of("function", "pf"));
      assertThat(client.execute("query-metrics", Map.of()).path("text").asString(""))
          .containsPattern("vpasid_log_lines_lost_total [1-9]");
    }
    signal("TERM", daemon);
    assertThat(exitCode(daemon)).isZero();
  }

  @Test
  void closedErrorStreamIsNoMatter() throws Exception {
    Process daemon = start("&-");
    try (ControlClient client = ControlClient.connect(control(), PATIENCE)) {
      client.execute("quit", Map.of());
    }
    assertThat(exitCode(daemon)).isZero();
  }

  @Needs(Need.ANOTHER_USER)
  @Test
  void anotherUserIsDisconnectedEvenIfTheSocketLetsHimIn() throws Exception {
    start(errors().toString());
    Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxr-xr-x"));
    Files.setPosixFilePermissions(control(), PosixFilePermissions.fromString("rw-rw-rw-"));

    assertThat(readAs("65534")).isEmpty();
    assertThat(readAs("0")).contains("\"QMP\"");
    assertThat(errors()).content().contains("by uid 65534").contains("is refused");
  }

  @Needs(Need.ANOTHER_USER)
  @Test
  void userWhoOwnsTheSocketIsLetIn() throws Exception {
    Path config = folder.resolve("serve.json");
    Files.writeString(
        config,
        Files.readString(config).replace("\"control.sock\"", "\"control.sock\", \"owner\": 65534"));
    start(errors().toString());
    Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxr-xr-x"));

    assertThat(readAs("65534")).contains("\"QMP\"");
    assertThat(readAs("0")).contains("\"QMP\"");
  }

  @Needs(Need.ANOTHER_USER)
  @Test
  void memberOfAGroupThatIsAdmittedIsLetInWhicheverOfItsGroupsThatIs() throws Exception {
    Path config = folder.resolve("serve.json");
    Files.writeString(
        config,
        Files.readString(config)
            .replace("\"control.sock\"", "\"control.sock\", \"groups\": 4242, \"mode\": \"0666\""));
    start(errors().toString());
    Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxr-xr-x"));
    String many =
        IntStream.rangeClosed(4201, 4242).mapToObj(Integer::toString).collect(joining(","));

    assertThat(readAs("65534", "--regid=4242", "--clear-groups")).contains("\"QMP\"");
    assertThat(readAs("65534", "--regid=4241", "--groups=7,4242")).contains("\"QMP\"");
    assertThat(readAs("65534", "--regid=4241", "--groups=" + many)).contains("\"QMP\"");
    assertThat(readAs("65534", "--regid=4241", "--groups=7,4243")).isEmpty();
    assertThat(readAs("0")).contains("\"QMP\"");
  }

  private String readAs(String uid) throws IOException, InterruptedException {
    return readAs(uid, "--clear-groups");
  }

  /// What the control socket says first to a process of a user.
  private String readAs(String uid, String... groups) throws IOException, InterruptedException {
    List<String> words = new ArrayList<>(List.of("setpriv", "--reuid=" + uid));
    words.addAll(List.of(groups));
    words.addAll(
        List.of(
            "perl",
            "-MIO::Socket::UNIX",
            "-e",
            "$s = IO::Socket::UNIX->new(Peer => $ARGV[0]) or die; print scalar <$s>",
            control().toString()));
    Process client = new ProcessBuilder(words).start();
    String text = new String(client.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(client.waitFor()).isZero();
    return text;
  }
}
