package io.vpasid.synth.quirk;

import io.vpasid.pci.ByteRange;
import io.vpasid.pci.ConfigSpace;
import io.vpasid.pci.Header;
import io.vpasid.pci.PciId;
import io.vpasid.pci.capability.Capability;
import io.vpasid.pci.capability.CapabilityChain;
import io.vpasid.pci.dump.HostFunction;
import io.vpasid.pci.dump.PciNames;
import io.vpasid.synth.json.JsonFileException;
import io.vpasid.synth.quirk.LintFinding.Severity;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/// Looks for what is probably wrong in quirks that can be read.
///
/// | rule | severity | finds |
/// |---|---|---|
/// | `header` | warning | hidden registers in the header, 0x00-0x3f |
/// | `overlap` | warning | two hidden registers of a quirk share bits; two device ranges share ids |
/// | `unreadable` | error | a file that cannot be read, or a quirk in it |
/// | `replaces` | note | a quirk has the id of another in an earlier layer |
/// | `refused` | warning | a quirk refuses a PASID capability and says how to place or limit it |
/// | `on-hidden` | error | a quirk places the capability on its own hidden registers, unshadowed |
/// | `no-room` | warning | an available range without room for a PASID capability |
/// | `unknown-id` | warning, note | a vendor, or devices, that pci.ids does not have |
/// | `never-counts` | warning | what a quirk decides is always decided by another |
/// | `says-nothing-new` | warning | another quirk names the same registers for the same functions |
/// | `on-capability` | error | a place on a capability of a captured function |
/// | `on-capability` | warning | hidden registers on a capability of a captured function |
/// | `not-zero` | warning | a place on bytes that are not 0 in a captured function |
/// | `matches-nothing` | note | none of the captured functions |
public final class QuirkLint {
  private static final int PASID_CAPABILITY_SIZE = 8;

  /// Things that one finding lists.
  private static final int LISTED = 8;

  private static final Comparator<LintFinding> BY_PLACE =
      Comparator.comparing(LintFinding::file)
          .thenComparingInt(LintFinding::line)
          .thenComparingInt(LintFinding::column);

  private final Set<LintFinding> findings = new LinkedHashSet<>();

  private QuirkLint() {}

  /// All that can be said of some quirk files: what is wrong with them, with their quirks beside
  /// those of a table, and with their quirks on captured functions. A quirk that is wrong does not
  /// keep the others from being looked at.
  ///
  /// @param paths files, and folders of them as [QuirkTable#with(Path, String)] reads them
  /// @param layer the name of their layer; it must be none of those of `below`
  /// @param below the table that they are laid over
  /// @param names the ids that are known
  /// @param captures functions to hold them against; may be empty
  public static List<LintFinding> ofFiles(
      List<Path> paths,
      String layer,
      QuirkTable below,
      PciNames names,
      List<HostFunction> captures) {
    List<JsonFileException> problems = new ArrayList<>();
    Map<String, Quirk> quirks = new LinkedHashMap<>();
    for (Path path : paths) {
      for (Quirk quirk : read(path, layer, problems)) {
        Quirk first = quirks.putIfAbsent(quirk.id(), quirk);
        if (first != null) {
          problems.add(QuirkTable.sameId(quirk, first));
        }
      }
    }
    QuirkTable table = below.with(List.copyOf(quirks.values()));
    List<LintFinding> findings = new ArrayList<>();
    problems.forEach(p -> findings.add(LintFinding.of(p, layer)));
    findings.addAll(check(table, names));
    if (!captures.isEmpty()) {
      findings.addAll(check(table, captures));
    }
    return findings.stream().filter(f -> f.layer().equals(layer)).sorted(BY_PLACE).toList();
  }

  private static List<Quirk> read(Path path, String layer, List<JsonFileException> problems) {
    List<Quirk> quirks = new ArrayList<>();
    try {
      for (Path file : QuirkTable.files(path)) {
        quirks.addAll(QuirkFileReader.collect(file, layer, problems));
      }
    } catch (JsonFileException e) {
      problems.add(e);
    }
    return quirks;
  }

  /// What can be said of the quirks of `table` without a device, by place in the table.
  ///
  /// @param names the ids that are known; where it has no vendors at all, ids are not looked at
  public static List<LintFinding> check(QuirkTable table, PciNames names) {
    QuirkLint lint = new QuirkLint();
    boolean idsKnown = names.vendor(0x8086).isPresent();
    for (Quirk quirk : table.entries()) {
      lint.checkHidden(quirk);
      lint.checkDecisions(quirk);
      quirk.matches().forEach(match -> lint.checkDevices(quirk, match));
      if (idsKnown) {
        quirk.matches().forEach(match -> lint.checkIds(quirk, match, names));
      }
    }
    lint.checkAgainstEachOther(table.ranked());
    table.replacements().forEach(lint::checkReplacement);
    return List.copyOf(lint.findings);
  }

  /// What captured functions say of the quirks of `table`. Each thing is said once, of the first
  /// function that shows it.
  public static List<LintFinding> check(QuirkTable table, List<HostFunction> captures) {
    QuirkLint lint = new QuirkLint();
    Set<Quirk> matched = Collections.newSetFromMap(new IdentityHashMap<>());
    for (HostFunction capture : captures) {
      CapabilityChain chain = CapabilityChain.walk(capture.config());
      List<Capability> capabilities =
          Stream.concat(chain.standard().stream(), chain.extended().stream()).toList();
      for (Quirk quirk : table.matching(FunctionIdentity.of(capture))) {
        boolean first = matched.add(quirk);
        lint.checkCapabilities(quirk, capture, capabilities, first);
      }
    }
    for (Quirk quirk : table.entries()) {
      if (!matched.contains(quirk)) {
        lint.report(
            Severity.NOTE, "matches-nothing", quirk, "matches none of the captured functions");
      }
    }
    return List.copyOf(lint.findings);
  }

  private void report(Severity severity, String rule, Quirk quirk, String what) {
    findings.add(
        new LintFinding(
            severity,
            rule,
            quirk.source().layer(),
            quirk.source().file(),
            quirk.line(),
            quirk.column(),
            quirk.id() + ' ' + what));
  }

  private void checkReplacement(QuirkTable.Replacement replacement) {
    // A file that is installed too replaces each of its quirks by the same.
    if (!text(replacement.quirk()).equals(text(replacement.by()))) {
      report(
          Severity.NOTE,
          "replaces",
          replacement.by(),
          "replaces " + replacement.quirk().source() + "; choose another id if both are to count");
    }
  }

  private static String text(Quirk quirk) {
    return QuirkFileText.of("", List.of(quirk));
  }

  private void checkHidden(Quirk quirk) {
    List<HiddenBits> hidden = quirk.effects().hiddenBits();
    for (int i = 0; i < hidden.size(); i++) {
      HiddenBits bits = hidden.get(i);
      if (bits.range().overlaps(Header.RANGE)) {
        report(
            Severity.WARNING,
            "header",
            quirk,
            "names " + bits.range() + " in the header, where no capability can be; leave it out");
      }
      if (i > 0 && bits.overlaps(hidden.get(i - 1))) {
        report(
            Severity.WARNING,
            "overlap",
            quirk,
            "names " + hidden.get(i - 1).range() + " and " + bits.range() + "; join them");
      }
    }
  }

  private void checkDecisions(Quirk quirk) {
    MatchedQuirks effects = quirk.effects();
    boolean places =
        effects.pinnedOffset().isPresent()
            || !effects.available().isEmpty()
            || !effects.shadowing().isEmpty()
            || effects.maxWidth().isPresent()
            || effects.exec().isPresent()
            || effects.priv().isPresent();
    if (effects.refusal().isPresent() && places) {
      report(
          Severity.WARNING,
          "refused",
          quirk,
          "refuses a PASID capability, so nothing else that it decides counts; leave one out");
    }
    if (effects.pinnedOffset().isPresent()) {
      ByteRange place = place(effects.pinnedOffset().get().value());
      boolean shadowed =
          effects.shadowing().stream().anyMatch(shadow -> shadow.value().contains(place));
      for (HiddenBits bits : effects.hiddenBits()) {
        if (bits.range().overlaps(place) && !shadowed) {
          report(
              Severity.ERROR,
              "on-hidden",
              quirk,
              "places the capability on its own hidden register "
                  + bits.range()
                  + "; choose another place, or allow it with \"shadow\"");
        }
      }
    }
    for (Decision<ByteRange> available : effects.available()) {
      int start = (available.value().offset() + 3) & ~3;
      if (start + PASID_CAPABILITY_SIZE > available.value().end()) {
        report(
            Severity.WARNING,
            "no-room",
            quirk,
            "calls "
                + available.value()
                + " available, where no 8 aligned bytes fit; make it larger or leave it out");
      }
    }
  }

  private static ByteRange place(int offset) {
    return new ByteRange(offset, PASID_CAPABILITY_SIZE);
  }

  private void checkDevices(Quirk quirk, QuirkMatch match) {
    List<IdRange> sorted =
        match.devices().stream().sorted((a, b) -> Integer.compare(a.first(), b.first())).toList();
    for (int i = 1; i < sorted.size(); i++) {
      if (sorted.get(i).first() <= sorted.get(i - 1).last()) {
        report(
            Severity.WARNING,
            "overlap",
            quirk,
            "names devices "
                + sorted.get(i - 1)
                + " and "
                + sorted.get(i)
                + ", which share ids; join them");
      }
    }
  }

  private void checkIds(Quirk quirk, QuirkMatch match, PciNames names) {
    if (match.vendor() == QuirkMatch.ANY) {
      return;
    }
    if (names.vendor(match.vendor()).isEmpty()) {
      report(
          Severity.WARNING,
          "unknown-id",
          quirk,
          String.format(
              Locale.ROOT, "names vendor 0x%04x, which pci.ids does not have", match.vendor()));
      return;
    }
    List<IdRange> unknown =
        match.devices().stream()
            .filter(devices -> !isKnown(match.vendor(), devices, names))
            .toList();
    if (!unknown.isEmpty()) {
      report(
          Severity.NOTE,
          "unknown-id",
          quirk,
          String.format(
              Locale.ROOT,
              "names devices of vendor 0x%04x that pci.ids does not have: %s",
              match.vendor(),
              list(unknown)));
    }
  }

  private static boolean isKnown(int vendor, IdRange devices, PciNames names) {
    return IntStream.rangeClosed(devices.first(), devices.last())
        .anyMatch(device -> names.device(new PciId(vendor, device)).isPresent());
  }

  private static String list(List<?> things) {
    String first =
        things.stream().limit(LISTED).map(Object::toString).collect(Collectors.joining(", "));
    int others = things.size() - LISTED;
    return others > 0 ? first + " and " + others + " more" : first;
  }

  private void checkAgainstEachOther(List<RankedQuirk> ranked) {
    Map<Integer, List<RankedQuirk>> byVendor = new HashMap<>();
    for (RankedQuirk r : ranked) {
      r.quirk().matches().stream()
          .map(QuirkMatch::vendor)
          .distinct()
          .forEach(v -> byVendor.computeIfAbsent(v, any -> new ArrayList<>()).add(r));
    }
    List<RankedQuirk> anyVendor = byVendor.getOrDefault(QuirkMatch.ANY, List.of());
    for (RankedQuirk weak : ranked) {
      // A quirk that holds wherever this one does is among those of its first vendor.
      int vendor = weak.quirk().matches().getFirst().vendor();
      Stream.concat(byVendor.getOrDefault(vendor, List.of()).stream(), anyVendor.stream())
          .filter(strong -> strong.position() != weak.position())
          .filter(strong -> covers(strong.quirk(), weak.quirk()))
          .forEach(strong -> compare(weak, strong));
    }
  }

  /// Whether `outer` holds for every function that `inner` holds for.
  private static boolean covers(Quirk outer, Quirk inner) {
    return inner.matches().stream()
        .allMatch(i -> outer.matches().stream().anyMatch(o -> o.contains(i)));
  }

  /// @param strong a quirk that holds wherever `weak` does
  private void compare(RankedQuirk weak, RankedQuirk strong) {
    boolean same = covers(weak.quirk(), strong.quirk());
    boolean stronger =
        strong.layer() > weak.layer()
            || (strong.layer() == weak.layer() && same && strong.position() > weak.position());
    MatchedQuirks mine = weak.quirk().effects();
    MatchedQuirks theirs = strong.quirk().effects();
    String other = strong.quirk().source().toString();
    if (stronger) {
      neverCounts(weak.quirk(), "place", MatchedQuirks::pinnedOffset, theirs, other);
      neverCounts(weak.quirk(), "maxWidth", MatchedQuirks::maxWidth, theirs, other);
      neverCounts(weak.quirk(), "refuse", MatchedQuirks::refusal, theirs, other);
    }
    boolean wider = !same || strong.position() < weak.position();
    if (wider
        && !mine.hiddenBits().isEmpty()
        && mine.hiddenBits().stream()
            .allMatch(bits -> theirs.hiddenBits().stream().anyMatch(o -> o.contains(bits)))) {
      report(
          Severity.WARNING,
          "says-nothing-new",
          weak.quirk(),
          "names only hidden registers that " + other + " names for the same functions");
    }
  }

  private <T> void neverCounts(
      Quirk quirk,
      String key,
      Function<MatchedQuirks, Optional<Decision<T>>> value,
      MatchedQuirks theirs,
      String other) {
    if (value.apply(quirk.effects()).isPresent() && value.apply(theirs).isPresent()) {
      report(
          Severity.WARNING,
          "never-counts",
          quirk,
          "decides \"" + key + "\", but " + other + " decides it for the same functions");
    }
  }

  private void checkCapabilities(
      Quirk quirk, HostFunction capture, List<Capability> capabilities, boolean first) {
    String where = (capture.location() + ' ' + capture.address()).strip();
    ConfigSpace config = capture.config();
    MatchedQuirks effects = quirk.effects();
    for (Capability capability : capabilities) {
      List<ByteRange> inside =
          effects.hiddenBits().stream()
              .map(HiddenBits::range)
              .filter(range -> range.overlaps(capability.extent().range()))
              .toList();
      if (first && !inside.isEmpty()) {
        report(
            Severity.WARNING,
            "on-capability",
            quirk,
            "names registers in " + capability + " of " + where + ": " + list(inside));
      }
      if (effects.pinnedOffset().isPresent()) {
        ByteRange place = place(effects.pinnedOffset().get().value());
        if (place.overlaps(capability.extent().range())) {
          report(
              Severity.ERROR,
              "on-capability",
              quirk,
              "places the capability on " + capability + " of " + where + "; choose another place");
        }
      }
    }
    if (effects.pinnedOffset().isPresent() && config.isExtended()) {
      ByteRange place = place(effects.pinnedOffset().get().value());
      boolean allowed =
          effects.shadowing().stream().anyMatch(shadow -> shadow.value().contains(place));
      if (!allowed && !config.isZero(place)) {
        report(
            Severity.WARNING,
            "not-zero",
            quirk,
            "places the capability on bytes that are not 0 in "
                + where
                + "; choose another place, or allow it with \"shadow\"");
      }
    }
  }
}
