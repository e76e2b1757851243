package io.vpasid.synth.quirk;

import static org.assertj.core.api.Assumptions.assumeThat;

import java.nio.file.Path;

/// Facts and captured configuration spaces, which may lie beside the checkout.
final class Shared {
  private static final Path FOLDER = Path.of("..", "..", "shared");

  private Shared() {}

  /// A file or folder; where it is missing, the test is skipped and says so.
  static Path path(String first, String... more) {
    Path path = FOLDER.resolve(Path.of(first, more));
    assumeThat(path).as("shared/%s beside the checkout", FOLDER.relativize(path)).exists();
    return path;
  }
}
