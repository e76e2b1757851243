package io.vpasid.pci.dump;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/// Configuration spaces captured from real machines, which lie beside the checkout where there are
/// any. Tests that ask for them are skipped where there are none.
final class Corpus {
  private static final Path FOLDER = Path.of("../../shared/corpus");

  private Corpus() {}

  /// A line of the folder's index.
  record Entry(Path file, int functions, int configBytes) {
    /// Skips the test that asks, if there are no captured files.
    @Override
    public Path file() {
      assumeTrue(
          Files.exists(file),
          "no captured configuration spaces in shared/corpus beside the checkout");
      return file;
    }

    @Override
    public String toString() {
      return file.getFileName().toString();
    }
  }

  /// At least one entry, so that a missing folder shows as a skipped test.
  static List<Entry> entries() throws IOException {
    Path index = FOLDER.resolve("INDEX.tsv");
    if (!Files.exists(index)) {
      return List.of(new Entry(index, 0, 0));
    }
    return Files.readAllLines(index).stream()
        .skip(1)
        .map(line -> line.split("\t", -1))
        .map(columns ->
            new Entry(
                FOLDER.resolve(columns[0]),
                Integer.parseInt(columns[1]),
                Integer.parseInt(columns[2])))
        .toList();
  }
}
