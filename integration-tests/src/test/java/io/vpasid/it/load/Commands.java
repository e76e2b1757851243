package io.vpasid.it.load;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;

/// Programs that are run to their end.
final class Commands {
  private Commands() {}

  /// What a program prints, its errors included.
  ///
  /// @throws IOException if it ends with another exit code than 0, with what it printed
  static String run(String... command) throws IOException {
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    process.getOutputStream().close();
    String text = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    int code = process.onExit().join().exitValue();
    if (code != 0) {
      throw new IOException(List.of(command) + " ended with " + code + ": " + text);
    }
    return text;
  }

  /// Wall time of a program from its start to its end.
  static double seconds(String... command) throws IOException {
    long start = System.nanoTime();
    var _ = run(command);
    return (System.nanoTime() - start) / 1e9;
  }
}
