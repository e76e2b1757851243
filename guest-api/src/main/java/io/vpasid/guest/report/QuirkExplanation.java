package io.vpasid.guest.report;

import io.vpasid.pci.ByteRange;
import io.vpasid.pci.dump.HostFunction;
import io.vpasid.synth.Synthesis;
import io.vpasid.synth.SynthesisRequest;
import io.vpasid.synth.SynthesisResult;
import io.vpasid.synth.Synthesizer;
import io.vpasid.synth.quirk.Decision;
import io.vpasid.synth.quirk.FunctionIdentity;
import io.vpasid.synth.quirk.MatchedQuirks;
import io.vpasid.synth.quirk.Quirk;
import io.vpasid.synth.quirk.QuirkTable;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/// The quirks that are about a function, and their decisions.
///
/// @param function the function as it was read
/// @param identity what quirks match it by
/// @param matching the quirks about it, the strongest last
/// @param decided what they say together
/// @param nearMisses those that name the device, or that the user named, and are not about it
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
      StringBuilder text = new StringBuilder(value + ", by " + QuirkReport.named(by));
      for (int i = 0; i < over.size(); i++) {
        text.append(i == 0 ? "; over " : ", ");
        text.append(values.get(i)).append(" by ").append(QuirkReport.named(over.get(i)));
      }
      return text.toString();
    }

    ValueJson json() {
      return new ValueJson(key, value, by.id(), over.stream().map(Quirk::id).toList());
    }
  }

  private record ValueJson(String key, String value, String by, List<String> over) {}

  private record Document(
      String function,
      String id,
      List<QuirkJson> entries,
      List<QuirkJson.Miss> notAboutIt,
      List<QuirkJson.Hidden> hidden,
      List<QuirkJson.Range> available,
      List<QuirkJson.Range> shadow,
      List<ValueJson> decisions,
      boolean placed,
      Optional<String> offset,
      String outcome) {}

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

  public void print(Page page) {
    page.line(function.address() + " " + function.description());
    page.entry("function", identity.toString());
    page.entries(
        "entries",
        matching.isEmpty()
            ? List.of("none is about it")
            : matching.stream().map(q -> QuirkReport.named(q) + ", " + q.name()).toList());
    page.entries("not about it", nearMisses.stream().map(QuirkReport::named).toList());
    page.entries(
        "hidden",
        decided.hiddenBits().stream()
            .map(bits -> QuirkReport.hiddenText(bits) + ", by " + bits.source().entryId())
            .toList());
    page.entries("available", ranges(decided.available()));
    page.entries("shadow", ranges(decided.shadowing()));
    for (Value value : values()) {
      page.entry(value.key, value.text());
    }
    page.entry("vPASID", outcome());
    page.blank();
  }

  private static List<String> ranges(List<Decision<ByteRange>> decisions) {
    return decisions.stream().map(d -> d.value() + ", by " + d.source().entryId()).toList();
  }

  private String outcome() {
    return switch (result) {
      case Synthesis s -> "at " + Json.hex(s.offset()) + ", " + s.placement().strategy().title();
      case SynthesisResult.Declined d -> "none. " + d.explanation();
    };
  }

  /// The explanation for [Json].
  public Object json() {
    return new Document(
        function.address().toString(),
        identity.id().toString(),
        matching.stream().map(QuirkJson::of).toList(),
        QuirkJson.Miss.of(nearMisses),
        decided.hiddenBits().stream().map(QuirkJson.Hidden::of).toList(),
        QuirkJson.Range.of(decided.available(), true),
        QuirkJson.Range.of(decided.shadowing(), true),
        values().stream().map(Value::json).toList(),
        result instanceof Synthesis,
        result instanceof Synthesis s ? Optional.of(Json.hex(s.offset())) : Optional.empty(),
        outcome());
  }
}
