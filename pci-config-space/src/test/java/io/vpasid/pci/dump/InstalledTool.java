package io.vpasid.pci.dump;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;

/// A program of this system. Tests that ask for one are skipped where it is not installed.
final class InstalledTool {
  private InstalledTool() {}

  /// What it prints.
  ///
  /// @param command the program's name, then its arguments
  static String run(String... command) throws IOException, InterruptedException {
    Path program =
        Arrays.stream(System.getenv("PATH").split(File.pathSeparator))
            .map(folder -> Path.of(folder, command[0]))
            .filter(Files::isExecutable)
            .findFirst()
            .orElseGet(() -> abort(command[0] + " is not installed: nothing to compare with"));
    String[] started = command.clone();
    started[0] = program.toString();
    Process process = new ProcessBuilder(started).redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).as(output).isZero();
    return output;
  }
}
