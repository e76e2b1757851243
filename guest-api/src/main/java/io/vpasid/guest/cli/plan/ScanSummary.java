package io.vpasid.guest.cli.plan;

import io.vpasid.guest.report.SynthesisReport;
import io.vpasid.synth.DeclineReason;
import io.vpasid.synth.placement.Strategy;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/// The numbers of a scan.
final class ScanSummary {
  /// Most functions that are named because QEMU's place is in use on them.
  private static final int MAX_NAMED = 10;

  private final Map<Strategy, Integer> placed = new EnumMap<>(Strategy.class);
  private final Map<DeclineReason, Integer> declined = new EnumMap<>(DeclineReason.class);
  private final Map<Finding, Integer> here = new EnumMap<>(Finding.class);
  private final Map<Finding, Integer> qemu = new EnumMap<>(Finding.class);

  /// The first functions on which QEMU's place is in use.
  private final List<String> inUse = new ArrayList<>();

  private int functions;
  private int qemuPlacements;

  /// Something that speaks against an offset, as the table words it.
  private enum Finding {
    LIVE("on bytes that are not 0"),
    CAPABILITY("on a capability"),
    HIDDEN_BITS("on hidden bits that a quirk knows"),
    MIRRORED("in mirrored space"),
    ANY("on any of these");

    private final String words;

    Finding(String words) {
      this.words = words;
    }

    boolean appliesTo(Clash clash) {
      return switch (this) {
        case LIVE -> clash.live();
        case CAPABILITY -> clash.capability();
        case HIDDEN_BITS -> clash.hiddenBits();
        case MIRRORED -> clash.mirrored();
        case ANY -> clash.any();
      };
    }
  }

  void add(ScannedFunction function) {
    functions++;
    switch (function.outcome()) {
      case ScannedFunction.Outcome.Placed p -> {
        placed.merge(p.strategy(), 1, Integer::sum);
        count(here, p.vpasid());
      }
      case ScannedFunction.Outcome.Declined d -> declined.merge(d.reason(), 1, Integer::sum);
    }
    function
        .qemu()
        .ifPresent(clash -> {
          qemuPlacements++;
          count(qemu, clash);
          if (clash.any()) {
            nameInUse(function, clash);
          }
        });
  }

  private void nameInUse(ScannedFunction function, Clash clash) {
    if (inUse.size() < MAX_NAMED) {
      List<String> found =
          Arrays.stream(Finding.values())
              .filter(f -> f != Finding.ANY && f.appliesTo(clash))
              .map(f -> f.words)
              .toList();
      inUse.add(function.name() + ": " + String.join(", ", found));
    }
  }

  private static void count(Map<Finding, Integer> findings, Clash clash) {
    for (Finding finding : Finding.values()) {
      if (finding.appliesTo(clash)) {
        findings.merge(finding, 1, Integer::sum);
      }
    }
  }

  int functions() {
    return functions;
  }

  int placements() {
    return placed.values().stream().mapToInt(Integer::intValue).sum();
  }

  void print(PrintWriter out) {
    row(out, functions, "functions");
    row(out, placements(), "get a vPASID");
    placed.forEach((strategy, count) -> row(out, count, "  " + strategy.title()));
    row(out, functions - placements(), "get none");
    declined.forEach((reason, count) -> row(out, count, "  " + SynthesisReport.words(reason)));
    if (placements() + qemuPlacements > 0) {
      printPlaces(out);
    }
  }

  private void printPlaces(PrintWriter out) {
    out.printf(
        Locale.ROOT,
        "%nThe capability's place, beside QEMU's (0x%03x, none where the extended list is"
            + " empty):%n%n",
        QemuPlacement.OFFSET);
    out.printf("%8s  %8s%n", "vpasid", "QEMU");
    out.printf("%8d  %8d  placed%n", placements(), qemuPlacements);
    for (Finding finding : Finding.values()) {
      out.printf(
          "%8d  %8d  %s%n",
          here.getOrDefault(finding, 0), qemu.getOrDefault(finding, 0), finding.words);
    }
    if (!inUse.isEmpty()) {
      out.printf("%nQEMU's place is in use on:%n");
      inUse.forEach(name -> out.println("  " + name));
      int more = qemu.getOrDefault(Finding.ANY, 0) - inUse.size();
      if (more > 0) {
        out.printf("  and %d more; --json has them all%n", more);
      }
    }
  }

  private static void row(PrintWriter out, int count, String what) {
    out.printf("%8d  %s%n", count, what);
  }
}
