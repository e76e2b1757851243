package io.vpasid.guest.report;

import static java.util.stream.Collectors.joining;

import io.vpasid.guest.report.PreflightReport.CheckReport;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/// Several plans, each in a line, and below once what their guests need.
public final class PlanList {
  /// Most functions that are named where a check says the same of several.
  private static final int NAMED = 4;

  /// The reason of a check of a guest, which may be the same for several functions.
  ///
  /// @param label its id and what became of it
  /// @param of the functions
  private record Reason(String label, String name, String why, List<PlanReport> of) {
    /// P2 comes before P10.
    int number() {
      return Integer.parseInt(label.substring(1, label.indexOf(' ')));
    }
  }

  private final Page page;
  private final List<PlanReport> plans;
  private final boolean severalFiles;
  private final List<PlanReport> placed;

  /// The reasons by their texts: the JVM would make the hash of a record at each start anew, which
  /// takes longer than all the rest of a list.
  private final Map<String, Reason> reasons = new LinkedHashMap<>();

  private PlanList(Page page, List<PlanReport> plans) {
    this.page = page;
    this.plans = plans;
    severalFiles = FileHeadings.areSeveral(plans.stream().map(PlanReport::origin));
    placed = plans.stream().filter(PlanReport::isPlaced).toList();
    for (PlanReport plan : plans) {
      for (CheckReport check : plan.guests()) {
        reasons
            .computeIfAbsent(
                check.label() + '\n' + check.name() + '\n' + check.reason(),
                _ -> new Reason(check.label(), check.name(), check.reason(), new ArrayList<>()))
            .of
            .add(plan);
      }
    }
  }

  public static void print(Page page, List<PlanReport> plans) {
    new PlanList(page, plans).print();
  }

  private void print() {
    FileHeadings headings = new FileHeadings(page, plans.stream().map(PlanReport::origin));
    page.out().printf("%-13s %-9s %-7s %-7s %s%n", "function", "id", "vPASID", "QEMU", "place");
    Set<String> common = commonLabels();
    for (PlanReport plan : plans) {
      headings.before(plan.origin());
      switch (plan.vpasid()) {
        case SynthesisReport.Placed p ->
            page.item(
                row(
                    plan,
                    p.offset().toString(),
                    plan.qemu().offset().map(Hex::toString).orElse("-")),
                Stream.concat(
                        Stream.of(p.strategy().title()),
                        labels(plan).filter(label -> !common.contains(label)))
                    .collect(joining("; ")));
        case SynthesisReport.Declined d ->
            page.item(row(plan, "none", "-"), SynthesisReport.words(d.reason()));
      }
    }
    page.line(
        "%d functions, %d get a vPASID; --function ADDRESS or --details shows why"
            .formatted(plans.size(), placed.size()));
    print("Linux guest, for all of them:", of -> of.size() == placed.size());
    print("For some of them:", of -> of.size() < placed.size());
    if (reasons.values().stream().anyMatch(r -> r.label.endsWith(CheckReport.OPEN))) {
      page.entry("", PreflightReport.TELL_MORE);
    }
  }

  private static String row(PlanReport plan, String at, String atQemu) {
    return String.format(
        Locale.ROOT, "%-13s %-9s %-7s %-7s ", plan.function(), plan.id(), at, atQemu);
  }

  private static Stream<String> labels(PlanReport plan) {
    return plan.guests().stream().map(CheckReport::label);
  }

  /// The results of checks that are the same for all functions.
  private Set<String> commonLabels() {
    return placed.stream()
        .flatMap(PlanList::labels)
        .filter(label -> placed.stream().allMatch(p -> labels(p).anyMatch(label::equals)))
        .collect(Collectors.toSet());
  }

  private void print(String title, Predicate<List<PlanReport>> which) {
    List<Reason> shown =
        reasons.values().stream()
            .filter(reason -> which.test(reason.of))
            .sorted((a, b) -> Integer.compare(a.number(), b.number()))
            .toList();
    if (!shown.isEmpty()) {
      page.blank();
      page.line(title);
    }
    shown.forEach(reason -> {
      String whose = reason.of.size() == placed.size() ? "" : " of " + names(reason.of);
      page.entry(reason.label, reason.name + whose + ": " + reason.why);
    });
  }

  private String names(List<PlanReport> of) {
    StringBuilder names = new StringBuilder();
    String folder = "";
    for (PlanReport plan : of.subList(0, Math.min(of.size(), NAMED))) {
      names.append(names.isEmpty() ? "" : ", ");
      if (severalFiles && !folder.equals(plan.origin().folder())) {
        folder = plan.origin().folder();
        names.append(folder).append(' ');
      }
      names.append(plan.function());
    }
    return names + (of.size() > NAMED ? " and " + (of.size() - NAMED) + " more" : "");
  }
}
