package io.vpasid.synth.quirk;

import io.vpasid.pci.ByteRange;
import io.vpasid.pci.ConfigSpace;
import io.vpasid.pci.capability.Capability;
import io.vpasid.pci.capability.CapabilityChain;
import io.vpasid.pci.dump.HostFunction;
import io.vpasid.pci.occupancy.OccupancyMap;
import io.vpasid.pci.occupancy.Use;
import io.vpasid.synth.quirk.LintFinding.Severity;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/// Findings in quirks that captured functions contradict.
final class CaptureLint {
  private static final int PASID_CAPABILITY = 0x1b;

  private final Set<LintFinding> findings = new LinkedHashSet<>();

  private CaptureLint() {}

  /// Each thing is said once, of the first function that shows it.
  static List<LintFinding> check(QuirkTable table, List<HostFunction> captures) {
    CaptureLint lint = new CaptureLint();
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
            Severity.NOTE,
            LintRule.MATCHES_NOTHING,
            quirk,
            "matches none of the captured functions");
      }
    }
    return List.copyOf(lint.findings);
  }

  private void report(Severity severity, LintRule rule, Quirk quirk, String what) {
    findings.add(LintFinding.of(severity, rule, quirk, what));
  }

  private void checkCapabilities(
      Quirk quirk, HostFunction capture, List<Capability> capabilities, boolean first) {
    String where = (capture.location() + ' ' + capture.address()).strip();
    ConfigSpace config = capture.config();
    MatchedQuirks effects = quirk.effects();
    for (Capability capability : capabilities) {
      List<ByteRange> inside = effects.hiddenIn(capability.extent().range());
      if (first && !inside.isEmpty()) {
        report(
            Severity.WARNING,
            LintRule.ON_CAPABILITY,
            quirk,
            "names registers in " + capability + " of " + where + ": " + QuirkLint.list(inside));
      }
      // The first free bytes of the range are taken, which may be registers of the capability
      // behind what is known of its length.
      for (Decision<ByteRange> available : effects.available()) {
        if (first && available.value().overlaps(capability.extent().range())) {
          report(
              Severity.ERROR,
              LintRule.ON_CAPABILITY,
              quirk,
              "calls %s available, which is in use by %s of %s; leave that out"
                  .formatted(available.value(), capability, where));
        }
      }
      if (effects.pinnedOffset().isPresent()) {
        ByteRange place = QuirkLint.place(effects.pinnedOffset().get().value());
        if (place.overlaps(capability.extent().range())) {
          report(
              Severity.ERROR,
              LintRule.ON_CAPABILITY,
              quirk,
              "places the capability on " + capability + " of " + where + "; choose another place");
        }
      }
    }
    if (first && config.isExtended() && !hasOwn(capabilities) && leavesNoRoom(effects, capture)) {
      report(
          Severity.WARNING,
          LintRule.NO_ROOM,
          quirk,
          "leaves no room for a PASID capability in "
              + where
              + "; name what is a register and no more, or call bytes \"available\"");
    }
    if (effects.pinnedOffset().isPresent() && config.isExtended()) {
      ByteRange place = QuirkLint.place(effects.pinnedOffset().get().value());
      if (!effects.isShadowed(place) && !config.isZero(place)) {
        report(
            Severity.WARNING,
            LintRule.NOT_ZERO,
            quirk,
            "places the capability on bytes that are not 0 in "
                + where
                + "; choose another place, or allow it with \"shadow\"");
      }
    }
  }

  /// A function that has a PASID capability needs no room for another.
  private static boolean hasOwn(List<Capability> capabilities) {
    return capabilities.stream()
        .anyMatch(c -> c.id().isExtended() && c.id().value() == PASID_CAPABILITY);
  }

  /// True if the hidden registers are in every place that the capability could have without them.
  private static boolean leavesNoRoom(MatchedQuirks effects, HostFunction capture) {
    ConfigSpace config = capture.config();
    OccupancyMap map =
        OccupancyMap.builder(config.size())
            .listed(CapabilityChain.walk(config))
            .nonZero(config)
            .build();
    List<ByteRange> places =
        IntStream.iterate(ConfigSpace.STANDARD_SIZE, at -> at + 4)
            .limit((config.size() - ConfigSpace.STANDARD_SIZE) / 4 - 1)
            .mapToObj(QuirkLint::place)
            .filter(place -> isFree(map, place))
            .toList();
    return !places.isEmpty()
        && effects.available().isEmpty()
        && places.stream().allMatch(place -> !effects.hiddenIn(place).isEmpty());
  }

  private static boolean isFree(OccupancyMap map, ByteRange place) {
    return IntStream.range(place.offset(), place.end()).allMatch(at -> map.useAt(at) == Use.FREE);
  }
}
