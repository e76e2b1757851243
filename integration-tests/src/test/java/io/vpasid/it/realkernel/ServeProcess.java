package io.vpasid.it.realkernel;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// A running `./vpasid serve` with the functions of [Accelerators], as a user starts it, and the
/// address space `shell`, whose handle is 1.
///
/// @param folder where its sockets are
/// @param announcement what it said when it began to serve
record ServeProcess(Process process, Path folder, String announcement) implements AutoCloseable {
  private static final String END_OF_ANNOUNCEMENT = "control socket";

  /// Starts it, and returns when it serves.
  ///
  /// @param folder gets its configuration and its sockets
  static ServeProcess start(Path folder) {
    return start(folder, "");
  }

  /// Starts it with a virtual IOMMU that covers the functions at 04.0 and 05.0 of their guest.
  ///
  /// @param folder gets its configuration and its sockets
  static ServeProcess startWithIommu(Path folder) {
    return start(
        folder,
        """
        "iommu": { "socket": "iommu.sock",
                   "covers": [ { "function": "first", "place": "04.0" },
                               { "function": "second", "place": "05.0" } ] },
        """);
  }

  /// Starts it with a function that has a DMA engine, behind a virtual IOMMU at 04.0.
  ///
  /// @param folder gets its configuration and its sockets
  static ServeProcess startWithEngine(Path folder) throws IOException {
    Files.writeString(
        folder.resolve("engine.json"),
        """
        { "format": 1, "vendor": "0xf00d", "device": "0x0d4a", "class": "0x088000",
          "bars": [ { "index": 0, "size": "64K" } ], "dmaEngine": { "bar": 0 },
          "ats": true, "pri": true, "pasid": { "width": 20 } }
        """);
    return serve(
        folder,
        """
        { "format": 1,
          "control": { "socket": "control.sock" },
          "hwInfo": "width=20",
          "iommu": { "socket": "iommu.sock",
                     "covers": [ { "function": "engine", "place": "04.0" } ] },
          "functions": [
            { "name": "engine", "source": "engine.json", "socket": "first.sock" } ] }
        """);
  }

  private static ServeProcess start(Path folder, String more) {
    String configuration =
        """
        { "format": 1,
          "control": { "socket": "control.sock" },
          "hwInfo": "width=20,priv",
          %2$s
          "functions": [
            { "name": "first", "source": "%1$s", "address": "0000:6a:01.0",
              "socket": "first.sock", "mailbox": true },
            { "name": "second", "source": "%1$s", "address": "0000:6a:02.0",
              "socket": "second.sock" } ],
          "addressSpaces": [ { "name": "shell" } ] }
        """
            .formatted(Accelerators.dump(), more);
    return serve(folder, configuration);
  }

  private static ServeProcess serve(Path folder, String configuration) {
    try {
      Path file = Files.writeString(folder.resolve("serve.json"), configuration);
      Process process =
          new ProcessBuilder(vpasid("serve", file.toString()))
              .redirectError(folder.resolve("serve.log").toFile())
              .start();
      return new ServeProcess(process, folder, announcement(process, folder));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static String announcement(Process process, Path folder) throws IOException {
    StringBuilder said = new StringBuilder();
    BufferedReader output = process.inputReader();
    while (said.indexOf(END_OF_ANNOUNCEMENT) < 0) {
      String line = output.readLine();
      if (line == null) {
        throw new AssertionError(said + Files.readString(folder.resolve("serve.log")));
      }
      said.append(line).append('\n');
    }
    return said.toString();
  }

  private static List<String> vpasid(String... arguments) {
    List<String> command = new ArrayList<>();
    command.add(
        Path.of(System.getProperty("basedir", ""), "..", "vpasid")
            .toAbsolutePath()
            .normalize()
            .toString());
    command.addAll(List.of(arguments));
    return command;
  }

  /// The socket of the function with a PASID capability of its own, and a mailbox.
  Path first() {
    return folder.resolve("first.sock");
  }

  /// The socket of the other function.
  Path second() {
    return folder.resolve("second.sock");
  }

  /// The socket of the virtual IOMMU.
  Path iommu() {
    return folder.resolve("iommu.sock");
  }

  /// Runs `./vpasid` and returns when it has ended.
  static void run(String... arguments) throws IOException {
    Process process = new ProcessBuilder(vpasid(arguments)).redirectErrorStream(true).start();
    String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    if (process.onExit().join().exitValue() != 0) {
      throw new AssertionError(said);
    }
  }

  /// Where it says that the vPASID of a function is.
  int vpasidOffset(String name) {
    Matcher line = Pattern.compile(name + ".*vPASID at 0x([0-9a-f]+)").matcher(announcement);
    if (!line.find()) {
      throw new AssertionError(name + " has no vPASID: " + announcement);
    }
    return Integer.parseInt(line.group(1), 16);
  }

  /// What `./vpasid ctl --json` says to a command.
  String ask(String... command) throws IOException {
    List<String> arguments = new ArrayList<>();
    arguments.addAll(
        List.of("ctl", "--json", "--socket", folder.resolve("control.sock").toString()));
    arguments.addAll(List.of(command));
    Process ctl =
        new ProcessBuilder(vpasid(arguments.toArray(String[]::new)))
            .redirectErrorStream(true)
            .start();
    return new String(ctl.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
  }

  /// Ends it as a power cut would, with no chance to clean up.
  void kill() {
    process.destroyForcibly().onExit().join();
  }

  /// Ends it as Ctrl-C does.
  @Override
  public void close() {
    process.destroy();
    process.onExit().join();
  }
}
