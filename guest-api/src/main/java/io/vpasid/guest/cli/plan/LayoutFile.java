package io.vpasid.guest.cli.plan;

import io.vpasid.guest.config.InputException;
import io.vpasid.guest.report.Json;
import io.vpasid.guest.report.LayoutComparison;
import io.vpasid.guest.report.PlanReport;
import io.vpasid.pci.PciAddress;
import io.vpasid.synth.Layout;
import io.vpasid.synth.json.Fields;
import io.vpasid.synth.json.FileShape;
import io.vpasid.synth.json.Form;
import io.vpasid.synth.json.JsonCursor;
import io.vpasid.synth.json.JsonFileException;
import io.vpasid.synth.json.Key;
import io.vpasid.synth.json.Shape;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// The layouts that a plan had, in a file that another host can be held against.
///
/// ```text
/// { "format": 1,
///   "layouts": [
///     { "function": "0000:3b:00.0",
///       "fingerprint": "sha256:…",
///       "facts": { "device": "8086:0b25", … } } ] }
/// ```
///
/// The file may come from anyone: its size has a limit, and a file whose fingerprint does not fit
/// its facts is refused.
///
/// @param name what messages call the file
/// @param layouts the layouts by the address of their functions, in the order of the file
public record LayoutFile(String name, Map<String, Layout> layouts) {
  private static final int MAX_BYTES = 4 << 20;
  private static final int FORMAT = 1;
  private static final int MAX_TEXT = 4_000;
  private static final String ADVICE = "write one with vpasid plan … --save FILE";

  private static final Key<String> FUNCTION =
      Key.of("function", Form.text(MAX_TEXT), "The function's address where the plan was made.")
          .required(ADVICE);
  private static final Key<String> FINGERPRINT =
      Key.of(
              "fingerprint",
              Form.text(MAX_TEXT),
              "`sha256:` and the digest of the facts, each as a line NAME=VALUE.")
          .required(ADVICE);
  private static final Key<Layout> FACTS =
      Key.of(
              "facts",
              Form.text(MAX_TEXT).byKey().map(Layout::new),
              "What of the guest's view has to be the same, by name.")
          .required(ADVICE);
  private static final Key<List<Fields>> LAYOUTS =
      Key.of("layouts", Shape.of("a layout", FUNCTION, FINGERPRINT, FACTS).list(), "The layouts.")
          .required(ADVICE);

  private static final FileShape SHAPE =
      new FileShape(
          "layout",
          "vpasid layout file",
          "The layouts that `vpasid plan --save` found, with which `--expect` compares another host."
              + " A schema cannot say that a fingerprint fits its facts; vpasid checks that too.",
          ADVICE,
          FORMAT,
          Shape.of("a layout file", LAYOUTS).as("file"));

  /// Keeps a copy.
  public LayoutFile {
    layouts = new LinkedHashMap<>(layouts);
  }

  /// The shape of such a file.
  public static FileShape shape() {
    return SHAPE;
  }

  /// @throws InputException if the file cannot be read
  /// @throws JsonFileException if it holds no layouts
  static LayoutFile read(Path file) {
    String name = JsonFileException.nameOf(file);
    try (InputStream in = Files.newInputStream(file)) {
      return read(JsonCursor.of(in.readNBytes(MAX_BYTES + 1), name, MAX_BYTES));
    } catch (IOException e) {
      throw new InputException(
          name + ": cannot be read: " + InputException.reason(file, e) + "; " + ADVICE);
    }
  }

  private static LayoutFile read(JsonCursor json) {
    Fields file = SHAPE.read(json);
    Map<String, Layout> layouts = new LinkedHashMap<>();
    for (Fields item : file.get(LAYOUTS)) {
      String function = item.get(FUNCTION);
      Layout layout = item.get(FACTS);
      if (!item.get(FINGERPRINT).equals(layout.fingerprint())) {
        throw item.wrong(
            FINGERPRINT,
            "the fingerprint of %s does not fit its facts, so the file was changed; %s"
                .formatted(function, ADVICE));
      }
      item.require(
          layouts.putIfAbsent(function, layout) == null,
          "the layout of " + function + " is here twice; remove one");
    }
    file.require(!layouts.isEmpty(), "the file has no layout; " + ADVICE);
    return new LayoutFile(json.file(), layouts);
  }

  /// Writes the layouts of a plan, in place of those that the file has.
  ///
  /// @throws InputException if the file cannot be written, or is there and holds something else
  static void write(Path file, List<PlanReport> plan) {
    if (Files.exists(file)) {
      try {
        var _ = read(file);
      } catch (InputException | JsonFileException e) {
        throw new InputException(
            file + ": is there and is no layout file; name another, or remove it first");
      }
    }
    Written written =
        new Written(
            FORMAT,
            plan.stream()
                .map(
                    p -> new Written.Item(p.function(), p.facts().fingerprint(), p.facts().facts()))
                .toList());
    try {
      Files.writeString(file, Json.text(written) + '\n');
    } catch (IOException e) {
      throw InputException.unwritable(file, e);
    }
  }

  /// The file as it is written; its keys are those of [#SHAPE].
  private record Written(int format, List<Item> layouts) {
    record Item(PciAddress function, String fingerprint, Map<String, String> facts) {}
  }

  /// How a plan compares with the file. A single function is held against a single layout, wherever
  /// the two sit, because a guest that moves finds its device at another address; of several, each
  /// against the one of its address.
  List<LayoutComparison> compare(List<PlanReport> plan) {
    List<LayoutComparison> comparisons = new ArrayList<>();
    Map<String, Layout> left = new LinkedHashMap<>(layouts);
    boolean single = layouts.size() == 1 && plan.size() == 1;
    for (PlanReport report : plan) {
      String address = report.function().toString();
      String expected = single ? layouts.keySet().iterator().next() : address;
      Optional<Layout> layout = Optional.ofNullable(left.remove(expected));
      comparisons.add(
          layout
              .map(l ->
                  new LayoutComparison(
                      address,
                      report.facts().differencesFrom(l).stream()
                          .map(Layout.Difference::toString)
                          .toList()))
              .orElse(new LayoutComparison(address, List.of("not in " + name))));
    }
    left.keySet()
        .forEach(
            address -> comparisons.add(new LayoutComparison(address, List.of("not in the plan"))));
    return comparisons;
  }
}
