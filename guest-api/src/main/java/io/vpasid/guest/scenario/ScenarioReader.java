package io.vpasid.guest.scenario;

import static io.vpasid.guest.scenario.ScenarioShape.*;

import io.vpasid.synth.HardwareInfo;
import io.vpasid.synth.PlacementPolicy;
import io.vpasid.synth.json.Fields;
import io.vpasid.synth.json.JsonCursor;
import io.vpasid.synth.json.JsonFileException;
import io.vpasid.synth.quirk.QuirkTable;
import io.vpasid.vmm.FunctionOptions;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// Reads a scenario file, whose keys stand in [ScenarioShape].
///
/// The file is read once for each combination of its matrix, with the names bound to the values of
/// that combination, so the matrix stands in front of what uses it. Files come from whoever runs
/// them; their size, the number of combinations, steps and repetitions are bounded, and whatever is
/// in them, the only exception is [JsonFileException].
final class ScenarioReader {
  /// Most bytes of one file.
  private static final int MAX_BYTES = 1 << 20;

  private final Path file;
  private final ParameterCursor cursor;
  private final Fields fields;
  private final List<Path> quirkFiles;
  private final FunctionOptions options;

  private ScenarioReader(Path file, Bindings bindings) {
    this.file = file;
    cursor = new ParameterCursor(file, MAX_BYTES, bindings);
    fields = ScenarioShape.file().read(cursor);
    quirkFiles = fields.get(VMM, QUIRKS).stream().map(cursor::beside).toList();
    options = options();
  }

  static List<Scenario> read(Path file) {
    ScenarioReader first = new ScenarioReader(file, Bindings.NONE);
    Scenario only = first.scenario();
    Map<String, List<String>> matrix = first.fields.get(MATRIX);
    return matrix.isEmpty()
        ? List.of(only)
        : combinations(matrix).stream()
            .map(combination -> new ScenarioReader(file, combination).scenario())
            .toList();
  }

  /// True if a JSON file is a scenario and not a function's description or something else: if it is
  /// an object with `steps` or `title`. One that cannot be read is taken, so that it is reported.
  static boolean looksLikeScenario(Path file) {
    Set<String> keys = new HashSet<>();
    try {
      JsonCursor json = JsonCursor.open(file, MAX_BYTES);
      if (json.next() && json.isObject()) {
        json.map(
            "a scenario",
            key -> {
              keys.add(key);
              json.require(json.place(), json.leaveTo(1), "the text is broken");
            });
      }
    } catch (JsonFileException e) {
      if (e.line() == 0) {
        return true;
      }
    }
    return keys.contains(STEPS.name()) || keys.contains(TITLE.name());
  }

  private static List<Bindings> combinations(Map<String, List<String>> matrix) {
    List<Bindings> all = List.of(Bindings.NONE);
    for (Map.Entry<String, List<String>> axis : matrix.entrySet()) {
      all =
          all.stream()
              .flatMap(b -> axis.getValue().stream().map(v -> b.with(axis.getKey(), v)))
              .toList();
    }
    return all;
  }

  private Scenario scenario() {
    List<Step> steps = StepShape.make(fields.get(STEPS), this::setup, hasIommu());
    fields.require(!steps.isEmpty(), fields.subject() + " has no \"steps\"; add \"steps\": [ … ]");
    fields.require(
        Step.weight(steps) <= Step.MAX_WEIGHT,
        "%s does more than %s steps, with all repetitions; repeat less"
            .formatted(fields.subject(), Step.MAX_WEIGHT));
    return new Scenario(
        file,
        fields.get(TITLE),
        cursor.bindings(),
        setup(fields.get(FUNCTION)),
        fields.get(GUESTS),
        steps);
  }

  private boolean hasIommu() {
    return fields.find(VMM, GUEST_IOMMU).isPresent();
  }

  private Setup setup(PickedFunction picked) {
    HardwareInfo hardware =
        new HardwareInfo(
            fields.get(HOST, WIDTH),
            fields.get(HOST, EXEC),
            fields.get(HOST, PRIV),
            fields.get(HOST, ATS));
    return new Setup(
        picked.function(),
        hardware,
        fields.get(HOST, IOMMU),
        fields.get(HOST, KERNEL),
        options.withKind(picked.kind()),
        fields.find(VMM, GUEST_IOMMU),
        quirkFiles);
  }

  private FunctionOptions options() {
    QuirkTable quirks = FunctionOptions.defaults().quirks();
    for (Path quirkFile : quirkFiles) {
      quirks = quirks.with(quirkFile, QuirkTable.COMMAND_LINE);
    }
    return FunctionOptions.defaults()
        .withQuirks(quirks)
        .withPolicy(
            new PlacementPolicy(
                fields.find(VMM, OFFSET), fields.get(VMM, AVAILABLE), fields.get(VMM, SHADOWING)))
        .withQuota(fields.get(VMM, QUOTA))
        .withWhenDisabled(fields.get(VMM, BEFORE_ENABLE));
  }
}
