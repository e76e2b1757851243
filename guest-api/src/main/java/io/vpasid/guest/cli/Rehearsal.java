package io.vpasid.guest.cli;

import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import tools.jackson.databind.json.JsonMapper;

/// Runs commands one after the other, a daemon at last; what they print is of no use. `./vpasid`
/// trains the JVM with it: what is loaded here is ready in every later run. There are two caches,
/// because all that one holds is loaded at each start, needed or not.
final class Rehearsal {
  private Rehearsal() {}

  /// Times that a daemon is asked whether it serves.
  private static final int PATIENCE = 200;

  /// @param arguments `text` or `all`, and the path of a dump
  static void main(String[] arguments) throws IOException, InterruptedException {
    PrintWriter nowhere =
        new PrintWriter(OutputStream.nullOutputStream(), false, StandardCharsets.UTF_8);
    boolean isText = arguments[0].equals("text");
    String dump = arguments[1];
    for (String line : isText ? text(dump) : all(dump)) {
      var _ = Main.runHere(line.split(" "));
    }
    if (!isText) {
      Path folder = Files.createTempDirectory("vpasid");
      try {
        var _ = serve(folder, Path.of(dump), nowhere);
      } finally {
        try (Stream<Path> left = Files.walk(folder)) {
          left.sorted(Comparator.reverseOrder()).forEach(path -> path.toFile().delete());
        }
      }
    }
    // As a command ends.
    System.exit(0);
  }

  /// Serves a function until it has been asked for.
  ///
  /// @param folder for the sockets
  /// @return the exit code
  static int serve(Path folder, Path dump, PrintWriter out)
      throws IOException, InterruptedException {
    Path configuration =
        Files.writeString(
            folder.resolve("serve.json"),
            """
            { "format": 1, "control": { "socket": "control.sock" }, "metrics": {}, "hwInfo": "width=20",
              "functions": [ { "name": "f", "source": %s, "socket": "f.sock", "mailbox": true } ],
              "addressSpaces": [ { "name": "a" } ] }
            """
                .formatted(new JsonMapper().writeValueAsString(dump.toAbsolutePath().toString())));
    AtomicInteger exitCode = new AtomicInteger();
    Thread daemon =
        Thread.ofPlatform()
            .start(() -> exitCode.set(Main.run(out, out, "serve", configuration.toString())));
    String control = folder.resolve("control.sock").toString();
    for (int asked = 0;
        asked < PATIENCE
            && daemon.isAlive()
            && Main.run(out, out, "ctl", "--socket", control, "query-function", "f") != 0;
        asked++) {
      daemon.join(Duration.ofMillis(20));
    }
    Main.run(out, out, "ctl", "--socket", control, "quit");
    daemon.join();
    return exitCode.get();
  }

  /// Commands with which people ask of functions, and read the answer.
  ///
  /// @param dump a path without blanks
  static List<String> text(String dump) {
    return List.of(
        "plan --hw-info width=20 " + dump,
        "plan --details --hw-info width=20 " + dump,
        "inspect " + dump,
        "scan --hw-info width=20 --list " + dump,
        "quirks list",
        "--version");
  }

  /// The commands that end by themselves and need no machine; of the others, their help.
  ///
  /// @param dump a path without blanks
  static List<String> all(String dump) {
    return List.of(
        "demo",
        "demo --json",
        "inspect " + dump,
        "plan --hw-info width=20 " + dump,
        "plan --json --hw-info width=20 " + dump,
        "scan --hw-info width=20 --list " + dump,
        "scan --hw-info width=20 --json " + dump,
        "quirks list",
        "ctl --help",
        "doctor --help",
        "run --help",
        "schema --help",
        "serve --help",
        "--help",
        "--version");
  }
}
