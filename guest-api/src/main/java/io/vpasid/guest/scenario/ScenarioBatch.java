package io.vpasid.guest.scenario;

import io.vpasid.synth.json.JsonFileException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Consumer;
import java.util.stream.Stream;

/// Many runs: every scenario of a few files and folders, as often as wanted, some at the same time.
///
/// The results come in the order of the scenarios, whichever run ends first, and do not depend on
/// how many run at the same time.
public final class ScenarioBatch {
  /// Deepest folder below a named one, and most files in all.
  private static final int MAX_DEPTH = 16;

  private static final int MAX_FILES = 10_000;

  /// Runs per thread that are started ahead of the one whose turn it is, so that a long batch needs
  /// no more memory than a short one.
  private static final int AHEAD = 8;

  private final List<Scenario> scenarios;
  private final int repeat;
  private final long seed;

  /// @param scenarios what to run
  /// @param repeat how often to run each, at least 1
  /// @param seed of the first round's random numbers; the next round has the next number
  public ScenarioBatch(List<Scenario> scenarios, int repeat, long seed) {
    this.scenarios = List.copyOf(scenarios);
    this.repeat = repeat;
    this.seed = seed;
  }

  /// Whether a path is for scenarios: a folder, or a JSON file that says `"steps"` or `"title"`,
  /// which a description of a function does not.
  public static boolean isForScenarios(Path path) {
    if (Files.isDirectory(path)) {
      return true;
    }
    return path.toString().endsWith(".json")
        && (!Files.exists(path) || ScenarioReader.looksLikeScenario(path));
  }

  /// The scenario files among `paths`: files as they are, and of folders those that end in `.json`
  /// and say `"steps"` or `"title"`, by name, with the folders in them.
  ///
  /// @throws JsonFileException if a path is not there or cannot be read, or there are more than
  ///   10,000 files
  public static List<Path> files(List<Path> paths) {
    List<Path> files = new ArrayList<>();
    for (Path path : paths) {
      if (!Files.isDirectory(path)) {
        files.add(path);
        continue;
      }
      try (Stream<Path> inside = Files.walk(path, MAX_DEPTH)) {
        inside
            .filter(f -> f.toString().endsWith(".json") && Files.isRegularFile(f))
            .filter(ScenarioReader::looksLikeScenario)
            .sorted()
            .limit(MAX_FILES + 1L)
            .forEach(files::add);
      } catch (IOException | UncheckedIOException e) {
        throw JsonFileException.unreadable(JsonFileException.nameOf(path), e);
      }
      if (files.size() > MAX_FILES) {
        throw new JsonFileException(
            JsonFileException.nameOf(path), 0, 0, "more than " + MAX_FILES + " files; name fewer");
      }
    }
    return files;
  }

  /// How many runs there are.
  public long runs() {
    return (long) scenarios.size() * repeat;
  }

  /// Runs them.
  ///
  /// @param threads how many at the same time, at least 1
  /// @param machines what they run on
  /// @param each hears of each result, on the calling thread
  ///
  /// @throws java.io.UncheckedIOException if what the machines stand on is gone; no more runs start
  ///   then
  public void run(int threads, Scenario.Machines machines, Consumer<ScenarioResult> each) {
    try (ExecutorService workers =
        Executors.newFixedThreadPool(
            threads, Thread.ofPlatform().name("scenarios-", 0).factory())) {
      Deque<Future<ScenarioResult>> started = new ArrayDeque<>();
      try {
        for (int round = 0; round < repeat; round++) {
          long roundSeed = seed + round;
          for (Scenario scenario : scenarios) {
            if (started.size() == threads * AHEAD) {
              each.accept(started.removeFirst().get());
            }
            started.add(workers.submit(() -> scenario.run(roundSeed, machines)));
          }
        }
        while (!started.isEmpty()) {
          each.accept(started.removeFirst().get());
        }
      } finally {
        started.forEach(left -> left.cancel(false));
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("Interrupted while scenarios were running.", e);
    } catch (ExecutionException e) {
      if (e.getCause() instanceof RuntimeException bug) {
        throw bug;
      }
      throw new IllegalStateException("A scenario ended unexpectedly.", e.getCause());
    }
  }
}
