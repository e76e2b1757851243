package io.vpasid.guest.cli;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;

/// Files for the command line, and real software to read what it wrote.
final class Inputs {
  private Inputs() {}

  /// Writes the dump that the program ships to `folder`.
  static Path demo(Path folder) {
    try (InputStream in =
        Objects.requireNonNull(DemoCommand.class.getResourceAsStream("demo.txt"))) {
      Path file = folder.resolve("machine.txt");
      Files.write(file, in.readAllBytes());
      return file;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /// A captured dump; the test is skipped where the collection is not beside the checkout.
  static String captured(String name) {
    Path file = Path.of("../../shared/corpus").resolve(name);
    assumeTrue(Files.exists(file), "no captured dumps in ../shared/corpus");
    return file.toString();
  }

  /// What `lspci -F file -vvv` prints; the test is skipped where there is no lspci.
  static String lspci(Path file) {
    try {
      Process process =
          new ProcessBuilder("lspci", "-F", file.toString(), "-vvv")
              .redirectError(ProcessBuilder.Redirect.DISCARD)
              .start();
      return new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      assumeTrue(false, "no lspci here (package pciutils): " + e.getMessage());
      throw new UncheckedIOException(e);
    }
  }
}
