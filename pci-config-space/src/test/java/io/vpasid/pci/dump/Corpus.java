package io.vpasid.pci.dump;

import io.vpasid.testing.Captures;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/// The index of captured configuration spaces.
final class Corpus {
  private Corpus() {}

  /// A line of it.
  record Entry(Path file, int functions, int configBytes) {
    @Override
    public String toString() {
      return file.getFileName().toString();
    }
  }

  static List<Entry> entries() throws IOException {
    return Files.readAllLines(Captures.file("INDEX.tsv")).stream()
        .skip(1)
        .map(line -> line.split("\t", -1))
        .map(columns ->
            new Entry(
                Captures.file(columns[0]),
                Integer.parseInt(columns[1]),
                Integer.parseInt(columns[2])))
        .toList();
  }
}
