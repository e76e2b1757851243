package io.vpasid.guest.cli.terminal;

import io.vpasid.guest.config.InputException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.Objects;
import java.util.concurrent.ThreadLocalRandom;

/// A file that a command writes: whole, or not at all. What is written goes to a file beside it,
/// which takes its place when it is complete; whoever reads it meanwhile reads the old one. What is
/// no regular file, such as a pipe, is written to as it is.
public final class OutputFile {
  private OutputFile() {}

  /// The content of the file.
  @FunctionalInterface
  public interface Content {
    /// Writes it.
    void writeTo(Writer to) throws IOException;
  }

  /// Makes sure that nothing is lost when `file` is written: it is not there, or begins as files of
  /// its kind do.
  ///
  /// @param start the first characters of every file that may be replaced
  /// @param kind what such files are, with an article
  /// @throws InputException if something else is there, or no folder that it could be in
  public static void checkReplaces(Path file, String start, String kind) {
    if (Files.isDirectory(file)) {
      throw new InputException(file + ": is a folder; name a file in it");
    }
    Path folder = file.toAbsolutePath().getParent();
    if (folder != null && !Files.isDirectory(folder)) {
      throw new InputException(file + ": cannot be written: there is no folder " + folder);
    }
    if (!Files.exists(file) || isSpecial(file)) {
      return;
    }
    byte[] wanted = start.getBytes(StandardCharsets.UTF_8);
    try (InputStream in = Files.newInputStream(file)) {
      byte[] found = in.readNBytes(wanted.length);
      if (found.length > 0 && !Arrays.equals(found, wanted)) {
        throw new InputException(
            file + ": is there and is not " + kind + "; name another, or remove it first");
      }
    } catch (IOException e) {
      throw InputException.unwritable(file, e);
    }
  }

  /// Writes the file in place of one that is there.
  ///
  /// @throws InputException if it cannot be written; an old one is as it was then
  public static void write(Path file, Content content) {
    try {
      if (isSpecial(file)) {
        try (Writer writer = Files.newBufferedWriter(file)) {
          content.writeTo(writer);
        }
        return;
      }
      Path target = Files.exists(file) ? file.toRealPath() : file;
      Path beside =
          target.resolveSibling(
              ".%s.%08x.new"
                  .formatted(target.getFileName(), ThreadLocalRandom.current().nextInt()));
      try {
        try (Writer writer = Files.newBufferedWriter(beside, StandardOpenOption.CREATE_NEW)) {
          content.writeTo(writer);
        }
        Files.move(
            beside, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
      } finally {
        Files.deleteIfExists(beside);
      }
    } catch (IOException e) {
      throw InputException.unwritable(file, e);
    } catch (UncheckedIOException e) {
      throw InputException.unwritable(file, Objects.requireNonNull(e.getCause()));
    }
  }

  private static boolean isSpecial(Path file) {
    return Files.exists(file) && !Files.isRegularFile(file) && !Files.isDirectory(file);
  }
}
