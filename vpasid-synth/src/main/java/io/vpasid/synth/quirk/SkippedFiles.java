package io.vpasid.synth.quirk;

import io.vpasid.synth.json.JsonFileException;
import io.vpasid.synth.quirk.LintFinding.Severity;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/// Files in a folder of quirk files that are not read, so that nobody takes them for checked.
final class SkippedFiles {
  /// Endings, in small letters, of files that somebody may have written quirks in.
  private static final Set<String> LIKELY =
      Set.of("json", "jsonc", "json5", "yaml", "yml", "toml", "hjson");

  /// Most entries of a folder that are told of.
  private static final int TOLD = 1000;

  private final String layer;

  private SkippedFiles(String layer) {
    this.layer = layer;
  }

  /// A finding for each: a warning where it may have been meant for one, else a note.
  ///
  /// @param path nothing is told of what is no folder
  /// @param layer for the findings
  static List<LintFinding> in(Path path, String layer) {
    if (!Files.isDirectory(path)) {
      return List.of();
    }
    Set<Path> read = Set.copyOf(QuirkTable.files(path));
    try (Stream<Path> entries = Files.list(path)) {
      return entries
          .filter(entry -> !read.contains(entry))
          .sorted()
          .limit(TOLD)
          .flatMap(entry -> new SkippedFiles(layer).finding(entry).stream())
          .toList();
    } catch (IOException | UncheckedIOException e) {
      throw JsonFileException.unreadable(JsonFileException.nameOf(path), e);
    }
  }

  private Optional<LintFinding> finding(Path entry) {
    if (Files.isDirectory(entry)) {
      return holdsLikely(entry)
          ? Optional.of(
              of(Severity.WARNING, entry, "folders in a folder are not read; name it too"))
          : Optional.empty();
    }
    String name = String.valueOf(entry.getFileName());
    String ending = name.substring(name.lastIndexOf('.') + 1);
    if (!isLikely(entry)) {
      return Optional.of(of(Severity.NOTE, entry, "not read: quirk files are named *.json"));
    }
    return Optional.of(
        of(
            Severity.WARNING,
            entry,
            switch (ending.toLowerCase(Locale.ROOT)) {
              case "json" ->
                  name.startsWith(".")
                      ? "not read, because its name starts with a dot; rename it"
                      : "not read, because its name ends in ." + ending + "; name it *.json";
              case "yaml", "yml", "toml", "hjson" ->
                  "not read, because it is no JSON; write it as JSON, named *.json";
              default ->
                  "not read, because its name does not end in .json; rename it, and leave"
                      + " comments and trailing commas out";
            }));
  }

  private static boolean isLikely(Path file) {
    String name = String.valueOf(file.getFileName());
    return LIKELY.contains(name.substring(name.lastIndexOf('.') + 1).toLowerCase(Locale.ROOT));
  }

  private static boolean holdsLikely(Path folder) {
    try (Stream<Path> entries = Files.list(folder)) {
      return entries.anyMatch(SkippedFiles::isLikely);
    } catch (IOException | UncheckedIOException _) {
      return true;
    }
  }

  private LintFinding of(Severity severity, Path entry, String message) {
    return new LintFinding(
        severity, LintRule.NOT_READ, layer, JsonFileException.nameOf(entry), 0, 0, message);
  }
}
