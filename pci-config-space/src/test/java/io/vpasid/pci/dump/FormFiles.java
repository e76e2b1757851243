package io.vpasid.pci.dump;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/// One made-up function of 256 bytes as each tool and mail has it: the files that tests read and
/// damage, and with which the fuzzer begins. The ending of a name says which form must be named:
/// `.words` and `.groups`.
final class FormFiles {
  private static final Path FOLDER = Path.of("src/test/resources/io/vpasid/pci/dump/forms");

  /// A file of the folder.
  record FormFile(Path path) {
    String name() {
      return path.getFileName().toString();
    }

    byte[] content() {
      try {
        return Files.readAllBytes(path);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    /// The form that must be named for it.
    Optional<DumpForm> form() {
      return name().endsWith(".words")
          ? Optional.of(DumpForm.WORDS)
          : name().endsWith(".groups") ? Optional.of(DumpForm.GROUPS) : Optional.empty();
    }

    @Override
    public String toString() {
      return name();
    }
  }

  private FormFiles() {}

  static List<FormFile> all() {
    try (Stream<Path> files = Files.list(FOLDER)) {
      return files.sorted().map(FormFile::new).toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
