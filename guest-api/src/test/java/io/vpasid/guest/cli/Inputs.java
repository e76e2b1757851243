package io.vpasid.guest.cli;

import io.vpasid.guest.cli.run.DemoCommand;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;

/// Files for the command line.
public final class Inputs {
  private Inputs() {}

  /// Writes the dump that the program ships to `folder`.
  public static Path demo(Path folder) {
    try (InputStream in =
        Objects.requireNonNull(DemoCommand.class.getResourceAsStream("demo.txt"))) {
      Path file = folder.resolve("machine.txt");
      Files.write(file, in.readAllBytes());
      return file;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /// Writes a configuration of the daemon, `serve.json`, with the two functions of [#demo].
  static Path daemon(Path folder) throws IOException {
    demo(folder);
    Files.createDirectories(folder.resolve("quirks"));
    return Files.writeString(
        folder.resolve("serve.json"),
        """
        { "format": 1, "control": { "socket": "control.sock" }, "quirks": "quirks",
          "functions": [
            { "name": "pf", "source": "machine.txt", "address": "0000:17:00.0",
              "socket": "pf.sock" },
            { "name": "vf", "source": "machine.txt", "address": "0000:17:00.1",
              "socket": "vf.sock", "attachBeforeEnable": true } ],
          "addressSpaces": [ { "name": "shell" } ] }
        """);
  }
}
