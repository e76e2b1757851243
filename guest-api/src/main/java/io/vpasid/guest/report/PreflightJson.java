package io.vpasid.guest.report;

import io.vpasid.synth.preflight.Check;
import io.vpasid.synth.preflight.Evidence;
import io.vpasid.synth.preflight.Preflight;
import java.util.Locale;
import java.util.Map;

/// The checks that a guest makes before it enables PASIDs, as JSON.
public final class PreflightJson {
  private PreflightJson() {}

  /// The answer, and the checks with their evidence.
  public static Map<String, Object> of(Preflight preflight) {
    Map<String, Object> json = Json.object();
    json.put("answer", Json.word(preflight.answer()));
    json.put("checks", preflight.checks().stream().map(PreflightJson::of).toList());
    return json;
  }

  private static Map<String, Object> of(Check check) {
    Map<String, Object> json = Json.object();
    json.put("id", check.id().name());
    json.put("name", check.name());
    json.put("verdict", Json.word(check.verdict()));
    json.put("explanation", check.explanation());
    check.remedy().ifPresent(remedy -> json.put("remedy", remedy));
    json.put("evidence", check.evidence().stream().map(PreflightJson::of).toList());
    json.put("rule", check.id().rule());
    json.put("source", check.id().source());
    return json;
  }

  private static Map<String, Object> of(Evidence evidence) {
    Map<String, Object> json = Json.object();
    json.put("of", evidence.of());
    json.put("offset", Json.hex(evidence.offset()));
    json.put(
        "value", String.format(Locale.ROOT, "0x%0" + 2 * evidence.bytes() + "x", evidence.value()));
    json.put("what", evidence.what());
    return json;
  }
}
