package io.vpasid.guest.cli.plan;

import io.vpasid.guest.config.InputException;
import io.vpasid.guest.report.Json;
import io.vpasid.guest.report.LayoutComparison;
import io.vpasid.guest.report.PlanReport;
import io.vpasid.synth.Layout;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

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
record LayoutFile(String name, Map<String, Layout> layouts) {
  private static final int MAX_BYTES = 4 << 20;
  private static final int FORMAT = 1;
  private static final String ADVICE = "; write one with vpasid plan … --save FILE";

  private static final JsonMapper MAPPER =
      JsonMapper.builder()
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();

  LayoutFile {
    layouts = new LinkedHashMap<>(layouts);
  }

  /// @throws InputException if the file cannot be read or holds no layouts
  static LayoutFile read(Path file) {
    String name = file.toString();
    byte[] bytes;
    try (InputStream in = Files.newInputStream(file)) {
      bytes = in.readNBytes(MAX_BYTES + 1);
    } catch (IOException e) {
      throw new InputException(
          name + ": cannot be read: " + InputException.reason(file, e) + ADVICE);
    }
    if (bytes.length > MAX_BYTES) {
      throw new InputException(name + ": larger than 4 MiB, so it is no layout file" + ADVICE);
    }
    try {
      return new LayoutFile(name, layouts(name, MAPPER.readTree(bytes)));
    } catch (JacksonException e) {
      String place =
          e.getLocation() == null || e.getLocation().getLineNr() < 1
              ? ""
              : ":" + e.getLocation().getLineNr() + ":" + e.getLocation().getColumnNr();
      throw new InputException(name + place + ": not JSON" + ADVICE);
    }
  }

  private static Map<String, Layout> layouts(String name, JsonNode file) {
    JsonNode format = file.path("format");
    if (!format.isInt() || !file.path("layouts").isArray()) {
      throw new InputException(name + ": no layout file, it has no format and layouts" + ADVICE);
    }
    if (format.asInt() != FORMAT) {
      throw new InputException(
          name + ": format " + format.asInt() + " is not known here, only 1; use a newer vpasid");
    }
    Map<String, Layout> layouts = new LinkedHashMap<>();
    for (JsonNode item : file.path("layouts")) {
      String function = item.path("function").asString("");
      Layout layout = new Layout(facts(item.path("facts")));
      if (function.isEmpty() || layout.facts().isEmpty()) {
        throw new InputException(
            name + ": layout " + (layouts.size() + 1) + " has no function or no facts" + ADVICE);
      }
      if (!item.path("fingerprint").asString("").equals(layout.fingerprint())) {
        throw new InputException(
            name
                + ": the fingerprint of "
                + printable(function)
                + " does not fit its facts, so the file was changed"
                + ADVICE);
      }
      if (layouts.putIfAbsent(function, layout) != null) {
        throw new InputException(
            name + ": has the layout of " + printable(function) + " twice; remove one");
      }
    }
    if (layouts.isEmpty()) {
      throw new InputException(name + ": has no layout" + ADVICE);
    }
    return layouts;
  }

  private static Map<String, String> facts(JsonNode node) {
    Map<String, String> facts = new LinkedHashMap<>();
    for (Map.Entry<String, JsonNode> fact : node.properties()) {
      if (fact.getValue().isString()) {
        facts.put(printable(fact.getKey()), printable(fact.getValue().asString()));
      }
    }
    return facts;
  }

  private static String printable(String text) {
    return text.replaceAll("[\\p{Cc}\\p{Cf}\\p{Cs}\\p{Zl}\\p{Zp}]", "?");
  }

  /// Writes the layouts of a plan, in place of those that the file has.
  ///
  /// @throws InputException if the file cannot be written, or is there and holds something else
  static void write(Path file, List<PlanReport> plan) {
    if (Files.exists(file)) {
      try {
        read(file);
      } catch (InputException e) {
        throw new InputException(
            file + ": is there and is no layout file; name another, or remove it first");
      }
    }
    Map<String, Object> json = Json.object();
    json.put("format", FORMAT);
    json.put("layouts", plan.stream().map(LayoutFile::toJson).toList());
    try {
      Files.writeString(file, Json.text(json) + '\n');
    } catch (IOException e) {
      throw InputException.unwritable(file, e);
    }
  }

  private static Map<String, Object> toJson(PlanReport report) {
    Map<String, Object> json = Json.object();
    json.put("function", report.function().address().toString());
    json.put("fingerprint", report.layout().fingerprint());
    json.put("facts", report.layout().facts());
    return json;
  }

  /// How a plan compares with the file. A single function is held against a single layout, wherever
  /// the two sit, because a guest that moves finds its device at another address; of several, each
  /// against the one of its address.
  List<LayoutComparison> compare(List<PlanReport> plan) {
    List<LayoutComparison> comparisons = new ArrayList<>();
    Map<String, Layout> left = new LinkedHashMap<>(layouts);
    boolean single = layouts.size() == 1 && plan.size() == 1;
    for (PlanReport report : plan) {
      String address = report.function().address().toString();
      String expected = single ? layouts.keySet().iterator().next() : address;
      Optional<Layout> layout = Optional.ofNullable(left.remove(expected));
      comparisons.add(
          layout
              .map(l ->
                  new LayoutComparison(
                      address,
                      report.layout().differencesFrom(l).stream()
                          .map(Layout.Difference::toString)
                          .toList()))
              .orElse(new LayoutComparison(address, List.of("not in " + name))));
    }
    left.keySet()
        .forEach(address ->
            comparisons.add(new LayoutComparison(printable(address), List.of("not in the plan"))));
    return comparisons;
  }
}
