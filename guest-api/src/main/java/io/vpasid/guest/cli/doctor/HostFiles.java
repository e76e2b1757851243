package io.vpasid.guest.cli.doctor;

import io.vpasid.vmm.iommufd.kernel.HostPaths;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.zip.GZIPInputStream;

/// The files of a host by which its kernel tells about itself, below any root. What is not there,
/// or cannot be read, is empty.
///
/// @param root the host's root, `/` for this one
record HostFiles(Path root) {
  private static final int MAX_FILE = 1 << 20;

  /// Where iommufd and VFIO have theirs.
  HostPaths paths() {
    return HostPaths.below(root);
  }

  /// A file's text, without blanks at its ends.
  Optional<String> text(String path) {
    return text(root.resolve(path));
  }

  static Optional<String> text(Path path) {
    try (InputStream in = Files.newInputStream(path)) {
      return Optional.of(new String(in.readNBytes(MAX_FILE), StandardCharsets.ISO_8859_1).strip());
    } catch (IOException _) {
      return Optional.empty();
    }
  }

  /// A file's number in hexadecimal, as registers are shown.
  static OptionalLong hex(Path path) {
    try {
      String text = text(path).orElse("");
      return OptionalLong.of(
          Long.parseUnsignedLong(text.replaceFirst("^0[xX]", "").replaceFirst(":.*", ""), 16));
    } catch (NumberFormatException _) {
      return OptionalLong.empty();
    }
  }

  /// The name of a file, or of what it links to.
  static String nameOf(Path path) {
    try {
      return String.valueOf(path.toRealPath().getFileName());
    } catch (IOException _) {
      return String.valueOf(path.getFileName());
    }
  }

  /// The entries of a folder, ascending.
  static List<Path> entries(Path folder) {
    List<Path> all = new ArrayList<>();
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(folder)) {
      entries.forEach(all::add);
    } catch (IOException | DirectoryIteratorException _) {
      return List.of();
    }
    Collections.sort(all);
    return all;
  }

  /// The release of the running kernel, `7.3.4-1-amd64`.
  String release() {
    return text("proc/sys/kernel/osrelease").orElse("");
  }

  /// An option of the running kernel's build: `y`, `m`, or `n`; empty if its configuration cannot
  /// be found.
  Optional<String> buildOption(String option) {
    return kernelConfig()
        .map(config ->
            config
                .lines()
                .filter(line -> line.startsWith(option + "="))
                .map(line -> line.substring(option.length() + 1))
                .findFirst()
                .orElse("n"));
  }

  private Optional<String> kernelConfig() {
    try (InputStream in =
        new GZIPInputStream(Files.newInputStream(root.resolve("proc/config.gz")))) {
      return Optional.of(new String(in.readNBytes(MAX_FILE), StandardCharsets.ISO_8859_1));
    } catch (IOException _) {
      return text("boot/config-" + release());
    }
  }
}
