package io.vpasid.synth.quirk;

import io.vpasid.pci.ByteRange;
import io.vpasid.pci.Header;
import io.vpasid.pci.PciId;
import io.vpasid.pci.capability.PasidSizes;
import io.vpasid.pci.dump.HostFunction;
import io.vpasid.pci.dump.PciNames;
import io.vpasid.synth.json.JsonFileException;
import io.vpasid.synth.quirk.LintFinding.Severity;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
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

/// Looks for what is probably wrong in quirks that can be read, by the rules of [LintRule].
public final class QuirkLint {
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
    paths.forEach(path -> findings.addAll(skipped(path, layer)));
    findings.addAll(check(table, names));
    if (!captures.isEmpty()) {
      findings.addAll(check(table, captures));
    }
    return findings.stream().filter(f -> f.layer().equals(layer)).sorted(BY_PLACE).toList();
  }

  /// Files in a folder of quirk files that are not read.
  ///
  /// @param path nothing is said of what is no folder
  /// @param layer the name of its layer
  /// @throws JsonFileException if the folder cannot be read
  public static List<LintFinding> skipped(Path path, String layer) {
    return SkippedFiles.in(path, layer);
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

  /// Findings in the quirks of `table` that need no device, by place in the table.
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

  /// Findings in the quirks of `table` that captured functions contradict. Each is told once, of
  /// the first function that shows it.
  public static List<LintFinding> check(QuirkTable table, List<HostFunction> captures) {
    return CaptureLint.check(table, captures);
  }

  private void report(Severity severity, LintRule rule, Quirk quirk, String what) {
    findings.add(LintFinding.of(severity, rule, quirk, what));
  }

  private void checkReplacement(QuirkTable.Replacement replacement) {
    // A file that is installed too replaces each of its quirks by the same.
    if (!text(replacement.quirk()).equals(text(replacement.by()))) {
      report(
          Severity.NOTE,
          LintRule.REPLACES,
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
            LintRule.HEADER,
            quirk,
            "names " + bits.range() + " in the header, where no capability can be; leave it out");
      }
      if (i > 0 && bits.overlaps(hidden.get(i - 1))) {
        report(
            Severity.WARNING,
            LintRule.OVERLAP,
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
          LintRule.REFUSED,
          quirk,
          "refuses a PASID capability, so nothing else that it decides counts; leave one out");
    }
    if (effects.pinnedOffset().isPresent()) {
      ByteRange place = place(effects.pinnedOffset().get().value());
      if (!effects.isShadowed(place)) {
        for (ByteRange hidden : effects.hiddenIn(place)) {
          report(
              Severity.ERROR,
              LintRule.ON_HIDDEN,
              quirk,
              "places the capability on its own hidden register "
                  + hidden
                  + "; choose another place, or allow it with \"shadow\"");
        }
      }
    }
    for (Decision<ByteRange> available : effects.available()) {
      List<ByteRange> hidden = effects.hiddenIn(available.value());
      if (!hidden.isEmpty()) {
        report(
            Severity.WARNING,
            LintRule.ON_HIDDEN,
            quirk,
            "calls %s available and names hidden registers in it: %s; leave one out"
                .formatted(available.value(), list(hidden)));
      }
      int start = (available.value().offset() + 3) & ~3;
      if (start + PasidSizes.LENGTH > available.value().end()) {
        report(
            Severity.WARNING,
            LintRule.NO_ROOM,
            quirk,
            "calls %s available, where no 8 aligned bytes fit; make it larger or leave it out"
                .formatted(available.value()));
      }
    }
  }

  static ByteRange place(int offset) {
    return new ByteRange(offset, PasidSizes.LENGTH);
  }

  private void checkDevices(Quirk quirk, QuirkMatch match) {
    List<IdRange> sorted =
        match.devices().stream().sorted((a, b) -> Integer.compare(a.first(), b.first())).toList();
    for (int i = 1; i < sorted.size(); i++) {
      if (sorted.get(i).first() <= sorted.get(i - 1).last()) {
        report(
            Severity.WARNING,
            LintRule.OVERLAP,
            quirk,
            "names devices %s and %s, which share ids; join them"
                .formatted(sorted.get(i - 1), sorted.get(i)));
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
          LintRule.UNKNOWN_ID,
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
          LintRule.UNKNOWN_ID,
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

  static String list(List<?> things) {
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

  /// True if `outer` holds for every function that `inner` holds for.
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
          LintRule.SAYS_NOTHING_NEW,
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
          LintRule.NEVER_COUNTS,
          quirk,
          "decides \"" + key + "\", but " + other + " decides it for the same functions");
    }
  }
}
