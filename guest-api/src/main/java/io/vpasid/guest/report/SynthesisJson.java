package io.vpasid.guest.report;

import io.vpasid.synth.PasidCapability;
import io.vpasid.synth.Synthesis;
import io.vpasid.synth.SynthesisResult;
import io.vpasid.synth.placement.PassedOver;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

/// Whether and where a function gets a vPASID, and why there, as JSON.
public final class SynthesisJson {
  private SynthesisJson() {}

  /// The result: `placed`, and then what there is to say of a vPASID or of the reason against one.
  public static Map<String, Object> of(SynthesisResult result) {
    Map<String, Object> json = Json.object();
    switch (result) {
      case Synthesis s -> {
        json.put("placed", true);
        put(json, s);
      }
      case SynthesisResult.Declined d -> {
        json.put("placed", false);
        json.put("reason", Json.word(d.reason()));
        json.put("explanation", d.explanation());
        json.put("passedOver", passedOver(d.passedOver()));
      }
    }
    return json;
  }

  private static void put(Map<String, Object> json, Synthesis synthesis) {
    PasidCapability capability = synthesis.capability();
    json.put("offset", Json.hex(synthesis.offset()));
    json.put("width", capability.width());
    json.put("exec", capability.exec());
    json.put("priv", capability.priv());
    json.put("strategy", Json.word(synthesis.placement().strategy()));
    json.put("reasons", synthesis.placement().reasons());
    synthesis.predecessor().ifPresent(at -> json.put("predecessor", Json.hex(at)));
    json.put("next", Json.hex(synthesis.link().next()));
    json.put("bytes", bytes(synthesis));
    json.put("notes", synthesis.notes());
    json.put("passedOver", passedOver(synthesis.placement().passedOver()));
  }

  private static List<Map<String, Object>> passedOver(List<PassedOver> passedOver) {
    return passedOver.stream()
        .map(place -> {
          Map<String, Object> json = Json.range(place.range());
          json.put("strategy", Json.word(place.strategy()));
          json.put("why", place.why());
          return json;
        })
        .toList();
  }

  /// The capability's bytes as they lie in the configuration space, in hexadecimal.
  public static String bytes(Synthesis synthesis) {
    return synthesis.dwords().stream()
        .map(d ->
            String.format(
                Locale.ROOT,
                "%02x %02x %02x %02x",
                d & 0xff,
                d >>> 8 & 0xff,
                d >>> 16 & 0xff,
                d >>> 24))
        .collect(Collectors.joining(" "));
  }
}
