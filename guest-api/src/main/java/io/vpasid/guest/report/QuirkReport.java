package io.vpasid.guest.report;

import io.vpasid.pci.ByteRange;
import io.vpasid.synth.quirk.Decision;
import io.vpasid.synth.quirk.HiddenBits;
import io.vpasid.synth.quirk.IdRange;
import io.vpasid.synth.quirk.MatchedQuirks;
import io.vpasid.synth.quirk.Quirk;
import io.vpasid.synth.quirk.QuirkMatch;
import io.vpasid.synth.quirk.QuirkSource;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/// What is said of one quirk.
public record QuirkReport(Quirk quirk) {

  /// Where it stands: the layer for built-in ones, else the file and line.
  public String place() {
    QuirkSource source = quirk.source();
    return source.layer().equals(QuirkSource.BUILT_IN)
        ? source.layer()
        : source.file() + ":" + quirk.line();
  }

  /// What it says of its devices, in a few words.
  public String effects() {
    MatchedQuirks effects = quirk.effects();
    List<String> words = new ArrayList<>();
    count(effects.hiddenBits().size(), "hidden", words);
    effects.pinnedOffset().ifPresent(p -> words.add("place " + Json.hex(p.value())));
    count(effects.available().size(), "available", words);
    count(effects.shadowing().size(), "shadow", words);
    effects.maxWidth().ifPresent(w -> words.add("width " + w.value()));
    effects.exec().ifPresent(e -> words.add("no exec"));
    effects.priv().ifPresent(p -> words.add("no priv"));
    effects.refusal().ifPresent(r -> words.add("refused"));
    return String.join(", ", words);
  }

  private static void count(int number, String what, List<String> words) {
    if (number > 0) {
      words.add(number + " " + what);
    }
  }

  /// All of it.
  public void print(PrintWriter out) {
    out.printf("%s%n", quirk.id());
    line(out, "name", quirk.name());
    line(out, "in", place());
    String label = "match";
    for (QuirkMatch match : quirk.matches()) {
      line(out, label, match.toString());
      label = "or";
    }
    printEffects(out, quirk.effects());
    line(out, "source", quirk.citation());
    if (!quirk.notes().isEmpty()) {
      line(out, "notes", quirk.notes());
    }
    out.println();
  }

  private static void printEffects(PrintWriter out, MatchedQuirks effects) {
    String label = "hidden";
    for (HiddenBits bits : effects.hiddenBits()) {
      line(out, label, hiddenText(bits));
      label = "";
    }
    effects.pinnedOffset().ifPresent(p -> line(out, "place", Json.hex(p.value())));
    printRanges(out, "available", effects.available());
    printRanges(out, "shadow", effects.shadowing());
    effects.maxWidth().ifPresent(w -> line(out, "max width", w.value() + " bits"));
    effects.exec().ifPresent(e -> line(out, "exec", "never shown"));
    effects.priv().ifPresent(p -> line(out, "priv", "never shown"));
    effects.refusal().ifPresent(r -> line(out, "refused", r.value()));
  }

  private static void printRanges(
      PrintWriter out, String label, List<Decision<ByteRange>> decisions) {
    String first = label;
    for (Decision<ByteRange> decision : decisions) {
      line(out, first, decision.value().toString());
      first = "";
    }
  }

  /// As in `0x488-0x48b mask 0x02000000 audio enable (rw, documented)`.
  static String hiddenText(HiddenBits bits) {
    return String.format(
        Locale.ROOT,
        "%s%s  %s (%s, %s)",
        bits.range(),
        bits.isWholeBytes() ? "" : String.format(Locale.ROOT, " mask 0x%08x", bits.mask()),
        bits.what(),
        bits.access(),
        bits.evidence());
  }

  static void line(PrintWriter out, String label, String text) {
    out.printf("  %-12s %s%n", label, text);
  }

  public Map<String, Object> toJson() {
    Map<String, Object> json = Json.object();
    json.put("id", quirk.id());
    json.put("layer", quirk.source().layer());
    json.put("file", quirk.source().file());
    json.put("line", quirk.line());
    json.put("name", quirk.name());
    json.put("match", quirk.matches().stream().map(QuirkReport::toJson).toList());
    MatchedQuirks effects = quirk.effects();
    json.put("hidden", effects.hiddenBits().stream().map(QuirkReport::toJson).toList());
    effects.pinnedOffset().ifPresent(p -> json.put("place", Json.hex(p.value())));
    json.put("available", ranges(effects.available()));
    json.put("shadow", ranges(effects.shadowing()));
    effects.maxWidth().ifPresent(w -> json.put("maxWidth", w.value()));
    effects.exec().ifPresent(e -> json.put("exec", e.value()));
    effects.priv().ifPresent(p -> json.put("priv", p.value()));
    effects.refusal().ifPresent(r -> json.put("refuse", r.value()));
    json.put("source", quirk.citation());
    json.put("notes", quirk.notes());
    return json;
  }

  private static Map<String, Object> toJson(QuirkMatch match) {
    Map<String, Object> json = Json.object();
    if (match.vendor() != QuirkMatch.ANY) {
      json.put("vendor", String.format(Locale.ROOT, "0x%04x", match.vendor()));
    }
    json.put("device", match.devices().stream().map(IdRange::toString).toList());
    json.put("subsystem", match.subsystems().stream().map(Object::toString).toList());
    json.put("class", match.classes().stream().map(Object::toString).toList());
    json.put("revision", match.revisions().stream().map(IdRange::toRevisions).toList());
    match.kind().ifPresent(kind -> json.put("function", kind.toString()));
    return json;
  }

  public static Map<String, Object> toJson(HiddenBits bits) {
    Map<String, Object> json = Json.range(bits.range());
    if (!bits.isWholeBytes()) {
      json.put("mask", String.format(Locale.ROOT, "0x%08x", bits.mask()));
    }
    json.put("access", bits.access().toString());
    json.put("evidence", bits.evidence().toString());
    json.put("what", bits.what());
    json.put("by", bits.source().entryId());
    return json;
  }

  private static List<Map<String, Object>> ranges(List<Decision<ByteRange>> decisions) {
    return decisions.stream().map(d -> Json.range(d.value())).toList();
  }
}
