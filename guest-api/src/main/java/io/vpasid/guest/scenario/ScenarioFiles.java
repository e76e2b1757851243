package io.vpasid.guest.scenario;

import io.vpasid.synth.json.JsonFileException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/// The scenarios of some files and folders, and the files that are wrong.
///
/// @param scenarios those of the files that can be read, by file, name and combination
/// @param broken why each of the others cannot be used
public record ScenarioFiles(List<Scenario> scenarios, List<Broken> broken) {
  /// Deepest folder below a named one, and most files in all.
  private static final int MAX_DEPTH = 16;

  private static final int MAX_FILES = 10_000;

  /// A file that cannot be used.
  ///
  /// @param file its name
  /// @param message the place, what is wrong there, and what to do about it, in one line
  public record Broken(String file, String message) {
    private static Broken of(JsonFileException e) {
      return new Broken(e.file(), String.valueOf(e.getMessage()));
    }
  }

  public ScenarioFiles {
    scenarios = List.copyOf(scenarios);
    broken = List.copyOf(broken);
  }

  /// Reads files as they are, and of folders those that end in `.json` and say `"steps"` or
  /// `"title"`, by name, with the folders in them. A file that is wrong does not keep the others
  /// from being read.
  ///
  /// @param filter part of the names of the scenarios that are wanted
  public static ScenarioFiles read(List<Path> paths, String filter) {
    List<Scenario> scenarios = new ArrayList<>();
    List<Broken> broken = new ArrayList<>();
    for (Path path : paths) {
      try {
        for (Path file : files(path)) {
          try {
            Scenario.read(file).stream()
                .filter(scenario -> scenario.name().contains(filter))
                .forEach(scenarios::add);
          } catch (JsonFileException e) {
            broken.add(Broken.of(e));
          }
        }
      } catch (JsonFileException e) {
        broken.add(Broken.of(e));
      }
    }
    return new ScenarioFiles(scenarios, broken);
  }

  /// A path is for scenarios if it is a folder, or a JSON file that says `"steps"` or `"title"`,
  /// which a description of a function does not.
  public static boolean areAt(Path path) {
    if (Files.isDirectory(path)) {
      return true;
    }
    return path.toString().endsWith(".json")
        && (!Files.exists(path) || ScenarioReader.looksLikeScenario(path));
  }

  private static List<Path> files(Path path) {
    if (!Files.isDirectory(path)) {
      return List.of(path);
    }
    String name = JsonFileException.nameOf(path);
    try (Stream<Path> inside = Files.walk(path, MAX_DEPTH)) {
      List<Path> files =
          inside
              .filter(f -> f.toString().endsWith(".json") && Files.isRegularFile(f))
              .filter(ScenarioReader::looksLikeScenario)
              .sorted()
              .limit(MAX_FILES + 1L)
              .toList();
      if (files.size() > MAX_FILES) {
        throw new JsonFileException(name, 0, 0, "more than " + MAX_FILES + " files; name fewer");
      }
      return files;
    } catch (IOException | UncheckedIOException e) {
      throw JsonFileException.unreadable(name, e);
    }
  }
}
