package io.vpasid.guest.cli;

import io.vpasid.guest.config.DaemonConfig;
import io.vpasid.guest.config.FunctionFile;
import io.vpasid.guest.scenario.Scenario;
import io.vpasid.synth.json.JsonFileException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Objects;

/// The JSON files that a user writes, as fuzz targets: such a file is read, or one clear line says
/// why it is not. A file may name the dumps beside the project's own scenarios.
public final class JsonFileTarget {
  /// What is in the file.
  enum Kind {
    SCENARIO,
    FUNCTION,
    CONFIGURATION
  }

  private static final Path FILE = fileBesideFunctions();

  private static Kind kind = Kind.SCENARIO;

  private JsonFileTarget() {}

  private static Path fileBesideFunctions() {
    try {
      Path folder = Files.createTempDirectory("vpasid-fuzz");
      Path functions = folder.resolve("functions");
      Path file = folder.resolve("f.json");
      Files.createSymbolicLink(functions, Path.of("../scenarios/functions").toRealPath());
      for (Path made : List.of(folder, functions, file)) {
        made.toFile().deleteOnExit();
      }
      return file;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /// Chooses the kind of file.
  public static void fuzzerInitialize(String[] arguments) {
    kind = Kind.valueOf(arguments[0].toUpperCase(Locale.ROOT));
  }

  /// One input of the fuzzer.
  public static void fuzzerTestOneInput(byte[] input) throws IOException {
    isRead(kind, input);
  }

  /// Whether it is read, and not refused.
  static boolean isRead(Kind kind, byte[] input) throws IOException {
    Files.write(FILE, input);
    try {
      Object content =
          switch (kind) {
            case SCENARIO -> Scenario.read(FILE);
            case FUNCTION -> FunctionFile.read(FILE);
            case CONFIGURATION -> DaemonConfig.read(FILE);
          };
      return Objects.nonNull(content);
    } catch (JsonFileException e) {
      String message = String.valueOf(e.getMessage()).replace(FILE.toString(), "f.json");
      if (!message.matches("f\\.json:[1-9][0-9]*:[1-9][0-9]*: \\P{Cntrl}+")
          || message.length() >= 600) {
        throw new AssertionError(message, e);
      }
      return false;
    }
  }
}
