package io.vpasid.guest.report;

import com.fasterxml.jackson.annotation.JsonProperty;
import io.vpasid.pci.ByteRange;
import io.vpasid.synth.quirk.Decision;
import io.vpasid.synth.quirk.HiddenBits;
import io.vpasid.synth.quirk.IdRange;
import io.vpasid.synth.quirk.MatchedQuirks;
import io.vpasid.synth.quirk.Quirk;
import io.vpasid.synth.quirk.QuirkMatch;
import io.vpasid.synth.quirk.QuirkTable.NearMiss;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/// One quirk, as JSON has it.
record QuirkJson(
    String id,
    String layer,
    String file,
    int line,
    String name,
    List<Match> match,
    List<Hidden> hidden,
    Optional<String> place,
    List<Range> available,
    List<Range> shadow,
    Optional<Integer> maxWidth,
    Optional<Boolean> exec,
    Optional<Boolean> priv,
    Optional<String> refuse,
    String source,
    String notes) {

  /// Conditions, as quirk files write them.
  private record Match(
      Optional<String> vendor,
      List<String> device,
      List<String> subsystem,
      @JsonProperty("class") List<String> classes,
      List<String> revision,
      Optional<String> function) {

    static Match of(QuirkMatch match) {
      return new Match(
          match.vendor() == QuirkMatch.ANY
              ? Optional.empty()
              : Optional.of(String.format(Locale.ROOT, "0x%04x", match.vendor())),
          match.devices().stream().map(IdRange::toString).toList(),
          match.subsystems().stream().map(Object::toString).toList(),
          match.classes().stream().map(Object::toString).toList(),
          match.revisions().stream().map(IdRange::toRevisions).toList(),
          match.kind().map(Object::toString));
    }
  }

  /// Hidden bits, with the entry that names them.
  record Hidden(
      String offset,
      int length,
      Optional<String> mask,
      String access,
      String evidence,
      String what,
      String by) {

    static Hidden of(HiddenBits bits) {
      return new Hidden(
          Json.hex(bits.range().offset()),
          bits.range().length(),
          bits.isWholeBytes()
              ? Optional.empty()
              : Optional.of(String.format(Locale.ROOT, "0x%08x", bits.mask())),
          bits.access().toString(),
          bits.evidence().toString(),
          bits.what(),
          bits.source().entryId());
    }
  }

  /// Bytes, with the entry that speaks of them where there are several.
  record Range(String offset, int length, Optional<String> by) {
    static List<Range> of(List<Decision<ByteRange>> decisions, boolean named) {
      return decisions.stream()
          .map(d ->
              new Range(
                  Json.hex(d.value().offset()),
                  d.value().length(),
                  named ? Optional.of(d.source().entryId()) : Optional.empty()))
          .toList();
    }
  }

  /// An entry that is not about a function or device.
  record Miss(String id, String why) {
    static List<Miss> of(List<NearMiss> misses) {
      return misses.stream().map(miss -> new Miss(miss.quirk().id(), miss.why())).toList();
    }
  }

  static QuirkJson of(Quirk quirk) {
    MatchedQuirks effects = quirk.effects();
    return new QuirkJson(
        quirk.id(),
        quirk.source().layer(),
        quirk.source().file(),
        quirk.line(),
        quirk.name(),
        quirk.matches().stream().map(Match::of).toList(),
        effects.hiddenBits().stream().map(Hidden::of).toList(),
        effects.pinnedOffset().map(p -> Json.hex(p.value())),
        Range.of(effects.available(), false),
        Range.of(effects.shadowing(), false),
        effects.maxWidth().map(Decision::value),
        effects.exec().map(Decision::value),
        effects.priv().map(Decision::value),
        effects.refusal().map(Decision::value),
        quirk.citation(),
        quirk.notes());
  }
}
