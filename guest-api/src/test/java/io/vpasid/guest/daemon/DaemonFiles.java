package io.vpasid.guest.daemon;

import io.vpasid.guest.cli.run.DemoCommand;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;

/// Configurations and dumps for the daemon, in a folder of their own.
final class DaemonFiles {
  /// The two functions of the dump that the program ships.
  static final String PHYSICAL = "0000:17:00.0";

  static final String VIRTUAL = "0000:17:00.1";

  /// A quirk that moves the virtual function's vPASID.
  static final String QUIRK =
      """
      { "format": 1, "quirks": [
        { "id": "test-place", "name": "Made up", "source": "this test",
          "match": { "vendor": "0xf00d" }, "place": "0x400" } ] }
      """;

  private DaemonFiles() {}

  /// Writes a configuration with two functions, `pf` and `vf`, and the address space `shell`.
  ///
  /// @param more members of the configuration, with a comma at the end of each
  static Path write(Path folder, String more) throws IOException {
    dump(folder);
    Files.createDirectories(folder.resolve("quirks"));
    return Files.writeString(
        folder.resolve("serve.json"),
        """
        { "format": 1,
          "control": { "socket": "control.sock" },
          "quirks": "quirks",
          "hwInfo": "width=20,priv",
          %s
          "functions": [
            { "name": "pf", "source": "machine.txt", "address": "%s", "socket": "pf.sock" },
            { "name": "vf", "source": "machine.txt", "address": "%s", "socket": "vf.sock",
              "quota": 2, "attachBeforeEnable": true, "mailbox": true } ],
          "addressSpaces": [ { "name": "shell" }, { "name": "only-pf", "functions": ["pf"] } ] }
        """
            .formatted(more, PHYSICAL, VIRTUAL));
  }

  static Path dump(Path folder) throws IOException {
    try (InputStream in =
        Objects.requireNonNull(DemoCommand.class.getResourceAsStream("demo.txt"))) {
      return Files.write(folder.resolve("machine.txt"), in.readAllBytes());
    }
  }
}
