package io.vpasid.guest.report;

import io.vpasid.pci.ByteRange;
import io.vpasid.pci.dump.HostFunction;
import io.vpasid.synth.Synthesis;
import io.vpasid.synth.SynthesisRequest;
import io.vpasid.synth.SynthesisResult;
import io.vpasid.synth.Synthesizer;
import io.vpasid.synth.quirk.Decision;
import io.vpasid.synth.quirk.FunctionIdentity;
import io.vpasid.synth.quirk.HiddenBits;
import io.vpasid.synth.quirk.MatchedQuirks;
import io.vpasid.synth.quirk.Quirk;
import io.vpasid.synth.quirk.QuirkTable;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;

/// Which quirks are about a function, and what they decide together.
///
/// @param function the function as it was read
/// @param identity what quirks match it by
/// @param matching the quirks about it, the strongest last
/// @param decided what they say together
/// @param nearMisses those that name the device and are not about it
/// @param result what becomes of the vPASID
public record QuirkExplanation(
    HostFunction function,
    FunctionIdentity identity,
    List<Quirk> matching,
    MatchedQuirks decided,
    List<QuirkTable.NearMiss> nearMisses,
    SynthesisResult result) {

  public static QuirkExplanation of(HostFunction function, SynthesisRequest request) {
    FunctionIdentity identity = FunctionIdentity.of(request.view().config(), request.kind());
    return new QuirkExplanation(
        function,
        identity,
        request.quirks().matching(identity),
        request.quirks().match(identity),
        request.quirks().nearMisses(identity),
        Synthesizer.synthesize(request));
  }

  /// A single value, who decided it, and whom that overruled.
  ///
  /// @param key its key in quirk files
  private record Value(String key, String value, Quirk by, List<Quirk> over, List<String> values) {

    String text() {
      StringBuilder text = new StringBuilder(value + ", by " + name(by));
      for (int i = 0; i < over.size(); i++) {
        text.append(i == 0 ? "; over " : ", ");
        text.append(values.get(i)).append(" by ").append(name(over.get(i)));
      }
      return text.toString();
    }

    Map<String, Object> toJson() {
      Map<String, Object> json = Json.object();
      json.put("key", key);
      json.put("value", value);
      json.put("by", by.id());
      json.put("over", over.stream().map(Quirk::id).toList());
      return json;
    }
  }

  private static String name(Quirk quirk) {
    return quirk.id() + " (" + new QuirkReport(quirk).place() + ")";
  }

  private List<Value> values() {
    List<Value> values = new ArrayList<>();
    add("place", MatchedQuirks::pinnedOffset, Json::hex, values);
    add("maxWidth", MatchedQuirks::maxWidth, width -> width + " bits", values);
    add("exec", MatchedQuirks::exec, String::valueOf, values);
    add("priv", MatchedQuirks::priv, String::valueOf, values);
    add("refuse", MatchedQuirks::refusal, Function.identity(), values);
    return values;
  }

  private <T> void add(
      String key,
      Function<MatchedQuirks, Optional<Decision<T>>> decision,
      Function<T, String> text,
      List<Value> values) {
    List<Quirk> deciding =
        matching.reversed().stream().filter(q -> decision.apply(q.effects()).isPresent()).toList();
    List<String> said =
        deciding.stream()
            .flatMap(q -> decision.apply(q.effects()).stream())
            .map(d -> text.apply(d.value()))
            .toList();
    if (!deciding.isEmpty()) {
      values.add(
          new Value(
              key,
              said.getFirst(),
              deciding.getFirst(),
              deciding.subList(1, deciding.size()),
              said.subList(1, said.size())));
    }
  }

  public void print(PrintWriter out) {
    out.printf("%s %s%n", function.address(), function.description());
    line(out, "function", identity.toString());
    String label = "entries";
    for (Quirk quirk : matching) {
      line(out, label, name(quirk) + ", " + quirk.name());
      label = "";
    }
    if (matching.isEmpty()) {
      line(out, label, "none is about it");
    }
    label = "not about it";
    for (QuirkTable.NearMiss miss : nearMisses) {
      line(out, label, name(miss.quirk()) + ": " + miss.why());
      label = "";
    }
    label = "hidden";
    for (HiddenBits bits : decided.hiddenBits()) {
      line(out, label, QuirkReport.hiddenText(bits) + ", by " + bits.source().entryId());
      label = "";
    }
    printRanges(out, "available", decided.available());
    printRanges(out, "shadow", decided.shadowing());
    for (Value value : values()) {
      line(out, value.key, value.text());
    }
    line(out, "vPASID", outcome());
    out.println();
  }

  private static void printRanges(
      PrintWriter out, String label, List<Decision<ByteRange>> decisions) {
    String first = label;
    for (Decision<ByteRange> decision : decisions) {
      line(out, first, decision.value() + ", by " + decision.source().entryId());
      first = "";
    }
  }

  private static void line(PrintWriter out, String label, String text) {
    QuirkReport.line(out, label, text);
  }

  private String outcome() {
    return switch (result) {
      case Synthesis s -> "at " + Json.hex(s.offset()) + ", " + s.placement().strategy().title();
      case SynthesisResult.Declined d -> "none. " + d.explanation();
    };
  }

  public Map<String, Object> toJson() {
    Map<String, Object> json = Json.object();
    json.put("function", function.address().toString());
    json.put("id", identity.id().toString());
    json.put("entries", matching.stream().map(q -> new QuirkReport(q).toJson()).toList());
    json.put(
        "notAboutIt",
        nearMisses.stream()
            .map(miss -> {
              Map<String, Object> object = Json.object();
              object.put("id", miss.quirk().id());
              object.put("why", miss.why());
              return object;
            })
            .toList());
    json.put("hidden", decided.hiddenBits().stream().map(QuirkReport::toJson).toList());
    json.put("available", ranges(decided.available()));
    json.put("shadow", ranges(decided.shadowing()));
    json.put("decisions", values().stream().map(Value::toJson).toList());
    json.put("placed", result instanceof Synthesis);
    if (result instanceof Synthesis s) {
      json.put("offset", Json.hex(s.offset()));
    }
    json.put("outcome", outcome());
    return json;
  }

  private static List<Map<String, Object>> ranges(List<Decision<ByteRange>> decisions) {
    return decisions.stream()
        .map(d -> {
          Map<String, Object> json = Json.range(d.value());
          json.put("by", d.source().entryId());
          return json;
        })
        .toList();
  }
}
