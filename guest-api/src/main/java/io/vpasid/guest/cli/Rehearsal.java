package io.vpasid.guest.cli;

import java.io.OutputStream;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.List;

/// Runs commands one after the other, and throws away what they print. `./vpasid` trains the JVM
/// with it: what is loaded here is ready in every later run.
final class Rehearsal {
  private Rehearsal() {}

  /// @param arguments the path of a dump
  static void main(String[] arguments) {
    PrintWriter nowhere =
        new PrintWriter(OutputStream.nullOutputStream(), false, StandardCharsets.UTF_8);
    for (String line : lines(arguments[0])) {
      Main.run(nowhere, nowhere, line.split(" "));
    }
  }

  /// The commands that end by themselves and need no machine; of the others, their help.
  ///
  /// @param dump a path without blanks
  static List<String> lines(String dump) {
    return List.of(
        "demo",
        "demo --json",
        "inspect " + dump,
        "plan --hw-info width=20 " + dump,
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
