package io.vpasid.it.space;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.vpasid.pci.dump.HostFunction;
import io.vpasid.pci.dump.LspciText;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/// Configuration spaces captured from real machines, which lie beside the checkout where there are
/// any. Tests that need them are skipped where there are none.
public final class CapturedFunctions {
  private static final Path FOLDER = Path.of("../../shared/corpus");

  private CapturedFunctions() {}

  /// The files, in the order of their names.
  public static List<Path> files() {
    assumeTrue(
        Files.isDirectory(FOLDER),
        "no captured configuration spaces in shared/corpus beside the checkout");
    try (Stream<Path> files = Files.list(FOLDER)) {
      return files.filter(f -> f.toString().endsWith(".txt")).sorted().toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /// The functions of all files.
  public static List<HostFunction> all() {
    return files().stream().flatMap(file -> LspciText.read(file).stream()).toList();
  }

  /// Those with an extended space, as they came.
  public static List<HostSpace> extended() {
    List<HostSpace> spaces = new ArrayList<>();
    for (HostFunction function : all()) {
      if (function.config().isExtended()) {
        spaces.add(
            new HostSpace(
                function.config().toByteArray(),
                Optional.empty(),
                List.of(),
                true,
                function.location() + " " + function.address()));
      }
    }
    return spaces;
  }

  /// [#extended], or nothing where there are none.
  public static List<HostSpace> extendedIfPresent() {
    return Files.isDirectory(FOLDER) ? extended() : List.of();
  }
}
