package io.vpasid.pci.dump;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

/// The `lspci` of pciutils. Tests that ask for it are skipped where it is not installed.
final class LspciTool {
  private LspciTool() {}

  /// What it prints on standard output.
  static String run(String... arguments) throws IOException, InterruptedException {
    Path program =
        Arrays.stream(System.getenv("PATH").split(File.pathSeparator))
            .map(folder -> Path.of(folder, "lspci"))
            .filter(Files::isExecutable)
            .findFirst()
            .orElseGet(() -> abort("lspci is not installed: nothing to compare with"));
    String[] command = new String[arguments.length + 1];
    command[0] = program.toString();
    System.arraycopy(arguments, 0, command, 1, arguments.length);
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).as(output).isZero();
    return output;
  }

  /// The rows among the lines of its output.
  static List<String> rows(String output) {
    return output.lines().filter(line -> line.matches("[0-9a-f]{2,3}:( [0-9a-f]{2})+")).toList();
  }
}
