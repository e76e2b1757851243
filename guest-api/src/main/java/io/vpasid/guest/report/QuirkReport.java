package io.vpasid.guest.report;

import io.vpasid.pci.ByteRange;
import io.vpasid.synth.quirk.Decision;
import io.vpasid.synth.quirk.HiddenBits;
import io.vpasid.synth.quirk.MatchedQuirks;
import io.vpasid.synth.quirk.Quirk;
import io.vpasid.synth.quirk.QuirkMatch;
import io.vpasid.synth.quirk.QuirkSource;
import io.vpasid.synth.quirk.QuirkTable.NearMiss;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/// One quirk, for people and for programs.
public record QuirkReport(Quirk quirk) {

  /// Its id, and where it stands.
  static String named(Quirk quirk) {
    return quirk.id() + " (" + new QuirkReport(quirk).place() + ")";
  }

  /// One that is not about a function, and why not.
  static String named(NearMiss miss) {
    return named(miss.quirk()) + ": " + miss.why();
  }

  /// Where it stands: the layer for built-in ones, else the file and line.
  public String place() {
    QuirkSource source = quirk.source();
    return source.layer().equals(QuirkSource.BUILT_IN)
        ? source.layer()
        : source.file() + ":" + quirk.line();
  }

  /// A few words on its effects.
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

  /// Prints what it is about and does, in a row.
  public void printRow(Page page) {
    page.row(String.format(Locale.ROOT, "%-28s ", quirk.id()), quirk.name() + ": " + effects());
  }

  /// Prints all of it.
  public void print(Page page) {
    page.line(quirk.id());
    page.entry("name", quirk.name());
    page.entry("in", place());
    String label = "match";
    for (QuirkMatch match : quirk.matches()) {
      page.entry(label, match.toString());
      label = "or";
    }
    printEffects(page, quirk.effects());
    page.entry("source", quirk.citation());
    if (!quirk.notes().isEmpty()) {
      page.entry("notes", quirk.notes());
    }
    page.blank();
  }

  private static void printEffects(Page page, MatchedQuirks effects) {
    page.entries("hidden", effects.hiddenBits().stream().map(QuirkReport::hiddenText).toList());
    effects.pinnedOffset().ifPresent(p -> page.entry("place", Json.hex(p.value())));
    page.entries("available", ranges(effects.available()));
    page.entries("shadow", ranges(effects.shadowing()));
    effects.maxWidth().ifPresent(w -> page.entry("max width", w.value() + " bits"));
    effects.exec().ifPresent(e -> page.entry("exec", "never shown"));
    effects.priv().ifPresent(p -> page.entry("priv", "never shown"));
    effects.refusal().ifPresent(r -> page.entry("refused", r.value()));
  }

  private static List<String> ranges(List<Decision<ByteRange>> decisions) {
    return decisions.stream().map(decision -> decision.value().toString()).toList();
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

  /// The quirk for [Json].
  public Object json() {
    return QuirkJson.of(quirk);
  }
}
