package io.vpasid.it.isolation;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.File;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/// A daemon in a process of its own, with emulated functions `f0`, `f1`, … that share its loops,
/// and everything about it that is seen from outside.
public final class DaemonProcess implements AutoCloseable {
  /// The configuration space of every function has its vPASID's control register here.
  private static final String FUNCTION =
      """
      { "format": 1, "vendor": "0xf00d", "device": "0x0001", "class": "0x088000",
        "bars": [ { "index": 0, "size": "64K" }, { "index": 2, "size": "64M" } ],
        "msix": { "vectors": 256, "bar": 0, "table": "0x8000", "pba": "0xc000" },
        "ats": true, "pri": true, "pasid": { "width": 20, "priv": true } }
      """;

  private static final String CLASS_PATH = System.getProperty("java.class.path");

  private final Path folder;
  private final Process process;
  private final String announcement;

  private DaemonProcess(Path folder, Process process, String announcement) {
    this.folder = folder;
    this.process = process;
    this.announcement = announcement;
  }

  /// What is different from one test to the next.
  ///
  /// @param functions how many
  /// @param keys more of the configuration, each with a comma in front
  /// @param java options of the JVM
  /// @param before words of the command in front of the JVM
  /// @param options of `serve`
  /// @param classPath of the JVM
  public record Setup(
      int functions,
      String keys,
      List<String> java,
      List<String> before,
      List<String> options,
      String classPath) {
    public static Setup of(int functions) {
      return new Setup(functions, "", List.of(), List.of(), List.of(), CLASS_PATH);
    }

    public Setup with(String moreKeys) {
      return new Setup(functions, keys + ", " + moreKeys, java, before, options, classPath);
    }

    public Setup java(String... jvm) {
      return new Setup(functions, keys, List.of(jvm), before, options, classPath);
    }

    Setup within(List<String> command) {
      return new Setup(functions, keys, java, command, options, classPath);
    }

    Setup classPath(String path) {
      return new Setup(functions, keys, java, before, options, path);
    }

    Setup isolated() {
      return new Setup(functions, keys, java, before, List.of("--isolate"), classPath);
    }
  }

  /// A copy of the class path that users can read who cannot read this one's home folder.
  static String classPathForEverybody(Path folder) throws IOException {
    List<String> copies = new ArrayList<>();
    for (String entry : CLASS_PATH.split(File.pathSeparator, -1)) {
      Path from = Path.of(entry);
      Path to = folder.resolve(copies.size() + "-" + from.getFileName());
      try (Stream<Path> all = Files.exists(from) ? Files.walk(from) : Stream.of()) {
        for (Path each : all.toList()) {
          Files.copy(each, to.resolve(from.relativize(each).toString()));
        }
      }
      copies.add(to.toString());
    }
    return String.join(File.pathSeparator, copies);
  }

  /// Starts it, and returns when it serves.
  public static DaemonProcess start(Path folder, Setup setup) throws IOException {
    Process process = launch(folder, setup);
    StringBuilder said = new StringBuilder();
    BufferedReader output = process.inputReader();
    while (said.indexOf("control socket") < 0) {
      String line = output.readLine();
      if (line == null) {
        throw new AssertionError(said + Files.readString(folder.resolve("serve.log")));
      }
      said.append(line).append('\n');
    }
    return new DaemonProcess(folder, process, said.toString());
  }

  /// Waits until a daemon that was launched serves, or has ended.
  ///
  /// @return whether it serves
  static boolean serves(Process process) throws IOException {
    BufferedReader output = process.inputReader();
    String line = output.readLine();
    while (line != null && !line.startsWith("control socket")) {
      line = output.readLine();
    }
    return line != null;
  }

  /// Starts it, and does not wait.
  static Process launch(Path folder, Setup setup) throws IOException {
    Files.writeString(folder.resolve("function.json"), FUNCTION);
    StringBuilder functions = new StringBuilder();
    for (int i = 0; i < setup.functions; i++) {
      functions.append(
          """
          %s{ "name": "f%d", "source": "function.json", "socket": "f%d.sock", "iommu": "intel",
              "mailbox": true }
          """
              .formatted(i == 0 ? "" : ", ", i, i));
    }
    Path file =
        Files.writeString(
            folder.resolve("serve.json"),
            """
            { "format": 1, "control": { "socket": "control.sock" }, "functions": [ %s ] %s }
            """
                .formatted(functions, setup.keys));
    List<String> command =
        concat(setup.before, command(setup.classPath, setup.java, "serve", file.toString()));
    // Whoever started the tests may ignore SIGHUP, as nohup does, or SIGINT, as `&` does.
    List<String> signalled = concat(List.of("env", "--default-signal=HUP,INT"), command);
    return new ProcessBuilder(concat(signalled, setup.options))
        .redirectError(ProcessBuilder.Redirect.appendTo(folder.resolve("serve.log").toFile()))
        .start();
  }

  /// Runs any command of the program.
  static Process launch(Path log, List<String> options, String... arguments) throws IOException {
    return new ProcessBuilder(command(CLASS_PATH, options, arguments))
        .redirectError(ProcessBuilder.Redirect.appendTo(log.toFile()))
        .start();
  }

  private static List<String> command(String classPath, List<String> options, String... arguments) {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(
        List.of("--enable-native-access=ALL-UNNAMED", "-XX:TieredStopAtLevel=1", "-Xshare:auto"));
    command.addAll(options);
    command.addAll(List.of("-cp", classPath, "io.vpasid.guest.cli.Main"));
    command.addAll(List.of(arguments));
    return command;
  }

  static List<String> concat(List<String> first, List<String> second) {
    List<String> both = new ArrayList<>(first);
    both.addAll(second);
    return both;
  }

  public Path socket(int function) {
    return folder.resolve("f" + function + ".sock");
  }

  public Path control() {
    return folder.resolve("control.sock");
  }

  public Process process() {
    return process;
  }

  public String announcement() {
    return announcement;
  }

  public String log() throws IOException {
    return Files.readString(folder.resolve("serve.log"));
  }

  /// Neighbours at these functions.
  List<Neighbour> neighbours(int... functions) {
    List<Neighbour> neighbours = new ArrayList<>();
    for (int function : functions) {
      neighbours.add(Neighbour.at(socket(function)));
    }
    return neighbours;
  }

  /// Sends control commands, one after the other, and returns the answer to the last.
  String control(String... commands) throws IOException {
    try (SocketChannel channel = SocketChannel.open(UnixDomainSocketAddress.of(control()));
        BufferedReader in =
            new BufferedReader(Channels.newReader(channel, StandardCharsets.UTF_8));
        BufferedWriter out =
            new BufferedWriter(Channels.newWriter(channel, StandardCharsets.UTF_8))) {
      String answer = String.valueOf(in.readLine());
      List<String> all = new ArrayList<>(List.of(commands));
      all.addFirst("{\"execute\":\"qmp_capabilities\"}");
      for (String command : all) {
        out.write(command + "\n");
        out.flush();
        do {
          answer = String.valueOf(in.readLine());
        } while (answer.startsWith("{\"timestamp\"") || answer.startsWith("{\"event\""));
      }
      return answer;
    }
  }

  int descriptors() throws IOException {
    try (Stream<Path> all = Files.list(Path.of("/proc/" + process.pid() + "/fd"))) {
      return (int) all.count();
    }
  }

  int mappings() throws IOException {
    try (Stream<String> all = Files.lines(Path.of("/proc/" + process.pid() + "/maps"))) {
      return (int) all.count();
    }
  }

  long addressSpaceBytes() throws IOException {
    return status("VmSize");
  }

  long resident() throws IOException {
    return status("VmRSS");
  }

  private long status(String line) throws IOException {
    try (Stream<String> all = Files.lines(Path.of("/proc/" + process.pid() + "/status"))) {
      return all.filter(l -> l.startsWith(line + ":"))
              .mapToLong(l -> Long.parseLong(l.replaceAll("[^0-9]", "")))
              .findFirst()
              .orElse(0)
          * 1024;
    }
  }

  /// That a client can still have a function, and that the daemon ends in good order when asked.
  void isWellAndEnds(int function) throws IOException {
    assertThat(process.isAlive()).as("the daemon lives; it said %s", log()).isTrue();
    try (Client client = Client.agreed(socket(function))) {
      client.readConfig();
    }
    assertThat(control("{\"execute\":\"query-version\"}")).contains("return");
    end();
  }

  /// That SIGTERM ends it.
  void end() throws IOException {
    process.destroy();
    try {
      assertThat(process.waitFor(20, TimeUnit.SECONDS)).as("SIGTERM ends it: %s", log()).isTrue();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    assertThat(process.exitValue()).as(log()).isZero();
  }

  @Override
  public void close() {
    process.destroyForcibly().onExit().join();
  }
}
