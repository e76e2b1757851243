package io.vpasid.guest.scenario;

import io.vpasid.guest.config.FunctionSource;
import io.vpasid.guest.config.InputException;
import io.vpasid.pci.PciAddress;
import io.vpasid.pci.dump.DumpException;
import io.vpasid.synth.json.JsonFileException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
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

    /// The name that its scenarios would begin with.
    public String name() {
      return Scenario.stem(file);
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
      Optional<String> other = somethingElse(path);
      if (other.isPresent()) {
        String name = JsonFileException.nameOf(path);
        broken.add(
            new Broken(
                name,
                "%s: is %s, and the others are scenarios; run it apart: vpasid run %s"
                    .formatted(name, other.get(), name)));
        continue;
      }
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

  /// The kind of thing that a path is, if `run` would take it by itself for something else than a
  /// scenario; empty if it is one, or nothing at all.
  private static Optional<String> somethingElse(Path path) {
    String name = path.toString();
    boolean isThere = Files.exists(path);
    if (areAt(path) || (!isThere && PciAddress.parse(name).isEmpty())) {
      return Optional.empty();
    }
    if (!isThere) {
      return Optional.of("a function of this machine");
    }
    try {
      var _ = new FunctionSource().read(name);
      return Optional.of(name.endsWith(".json") ? "the description of a function" : "a dump");
    } catch (InputException | DumpException | JsonFileException _) {
      return Optional.empty();
    }
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
