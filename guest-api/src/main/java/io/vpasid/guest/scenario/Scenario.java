package io.vpasid.guest.scenario;

import io.vpasid.synth.json.JsonFileException;
import java.nio.file.Path;
import java.util.List;

/// One scenario, with its parameters chosen: what it runs on, and its steps.
///
/// ```java
/// for (Scenario scenario : Scenario.read(Path.of("scenarios/sva.json"))) {
///   scenario.run(seed).requirePassed();
/// }
/// ```
public final class Scenario {
  private final Path file;
  private final String title;
  private final Bindings bindings;
  private final Setup setup;
  private final int guests;
  private final List<Step> steps;

  Scenario(Path file, String title, Bindings bindings, Setup setup, int guests, List<Step> steps) {
    this.file = file;
    this.title = title;
    this.bindings = bindings;
    this.setup = setup;
    this.guests = guests;
    this.steps = List.copyOf(steps);
  }

  /// The scenarios of a file: one for each combination of its matrix.
  ///
  /// @throws JsonFileException if it cannot be read or is wrong; the message names file, line and
  ///   column
  public static List<Scenario> read(Path file) {
    return ScenarioReader.read(file);
  }

  /// The JSON Schema (draft 2020-12) of scenario files, for editors and other tools.
  public static String schema() {
    return ScenarioShape.file().schema();
  }

  /// A table of the keys of each object in scenario files, for people to read, in Markdown.
  public static String keys() {
    return ScenarioShape.file().tables();
  }

  /// The file that it stands in.
  public Path file() {
    return file;
  }

  /// A sentence on what it is about, from the file.
  public String title() {
    return title;
  }

  /// The file's name without its ending, with the parameters: `widths[iommu=intel width=1]`.
  public String name() {
    return stem(file.toString()) + (bindings.values().isEmpty() ? "" : "[" + bindings + "]");
  }

  /// The name of a file without its folders and its ending.
  static String stem(String file) {
    return file.substring(file.lastIndexOf('/') + 1).replaceFirst("\\.json$", "");
  }

  /// The function and the host that it runs on.
  public Setup setup() {
    return setup;
  }

  /// How many guests do its steps at the same time, each with a function of its own.
  public int guests() {
    return guests;
  }

  Bindings bindings() {
    return bindings;
  }

  List<Step> steps() {
    return steps;
  }

  /// Runs it in this process on a simulated host.
  ///
  /// @param seed of its random numbers; the same seed does the same
  public ScenarioResult run(long seed) {
    return run(seed, simulated());
  }

  /// Runs it on other machines.
  ///
  /// @param seed of its random numbers; the same seed does the same
  /// @param machines makes a machine for each guest; they are closed here
  public ScenarioResult run(long seed, Machines machines) {
    return GuestRuns.run(this, seed, machines);
  }

  /// Machines in this process, each with a simulated host of its own.
  public static Machines simulated() {
    return SimulatedMachine::open;
  }

  /// Makes what the guests of scenarios run on.
  @FunctionalInterface
  public interface Machines {

    /// A new machine.
    ///
    /// @param guest which guest of the scenario it is for, from 0
    Machine open(Setup setup, int guest);
  }

  @Override
  public String toString() {
    return name();
  }
}
