package io.vpasid.testing;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/// Configuration spaces that were captured from real machines. They lie beside the checkout where
/// there are any, and no test but those that ask for them depends on them; those are skipped where
/// there are none.
public final class Captures {
  static final Path FOLDER = Path.of("..", "..", "shared", "corpus");
  static final Path REGISTER_FACTS = Path.of("..", "..", "shared", "facts", "quirks.json");

  private Captures() {}

  /// The dumps, in the order of their names.
  public static List<Path> files() {
    Need.CAPTURES.require();
    try (Stream<Path> files = Files.list(FOLDER)) {
      return files.filter(f -> f.toString().endsWith(".txt")).sorted().toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /// The dump of this name.
  public static Path file(String name) {
    Need.CAPTURES.require();
    return FOLDER.resolve(name);
  }

  /// What hardware documents say of hidden registers: the form is told by the test that reads it.
  public static Path registerFacts() {
    Need.REGISTER_FACTS.require();
    return REGISTER_FACTS;
  }
}
