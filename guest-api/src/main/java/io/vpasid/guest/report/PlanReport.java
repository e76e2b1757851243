package io.vpasid.guest.report;

import static java.util.stream.Collectors.joining;

import com.fasterxml.jackson.annotation.JsonIgnore;
import com.fasterxml.jackson.annotation.JsonUnwrapped;
import io.vpasid.guest.report.PreflightReport.CheckReport;
import io.vpasid.guest.report.SynthesisReport.Declined;
import io.vpasid.guest.report.SynthesisReport.Place;
import io.vpasid.guest.report.SynthesisReport.Placed;
import io.vpasid.pci.ByteRange;
import io.vpasid.pci.PciAddress;
import io.vpasid.pci.PciId;
import io.vpasid.pci.capability.Capability;
import io.vpasid.pci.capability.CapabilityChain;
import io.vpasid.pci.dump.HostFunction;
import io.vpasid.pci.dump.PciNames;
import io.vpasid.synth.HardwareInfo;
import io.vpasid.synth.Layout;
import io.vpasid.synth.PasidCapability;
import io.vpasid.synth.Synthesis;
import io.vpasid.synth.SynthesisRequest;
import io.vpasid.synth.SynthesisResult;
import io.vpasid.synth.preflight.Answer;
import io.vpasid.synth.preflight.Preflight;
import io.vpasid.synth.preflight.Verdict;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Predicate;

/// The plan of one function.
///
/// @param title of the function
/// @param vpasid whether and where it gets a vPASID
/// @param linked how the vPASID hangs in the list, as a part of a sentence; empty without one
/// @param qemu the place that QEMU can take, which may be another
/// @param facts what has to be the same on a host that the guest moves to
/// @param fingerprint the layout's
/// @param preflight the checks that the guest makes of it
/// @param layout the comparison with an expected layout
public record PlanReport(
    PciAddress function,
    PciId id,
    @JsonIgnore String title,
    HardwareInfo hwInfo,
    @JsonUnwrapped SynthesisReport vpasid,
    @JsonIgnore String linked,
    QemuPlace qemu,
    @JsonIgnore Layout facts,
    String fingerprint,
    PreflightReport preflight,
    Optional<LayoutComparison> layout) {

  /// The place that QEMU is to be told.
  ///
  /// @param offset where it can put the capability; empty if nowhere
  /// @param notes why, each a sentence
  public record QemuPlace(Optional<Hex> offset, List<String> notes) {
    private static QemuPlace of(QemuDevice device) {
      return new QemuPlace(device.offset().map(Hex::new), device.notes());
    }
  }

  /// The report of what was asked of a function, and what came of it.
  ///
  /// @param qemu what QEMU can do of it
  /// @param names of vendors and devices
  public static PlanReport of(
      HostFunction function,
      SynthesisRequest request,
      SynthesisResult result,
      QemuDevice qemu,
      Preflight preflight,
      PciNames names) {
    Layout layout = Layout.of(request, result);
    return new PlanReport(
        function.address(),
        function.id(),
        FunctionTitle.of(function, names),
        request.hardware(),
        SynthesisReport.of(result),
        result instanceof Synthesis s ? linkText(request, s) : "",
        QemuPlace.of(qemu),
        layout,
        layout.fingerprint(),
        PreflightReport.of(preflight),
        Optional.empty());
  }

  /// The same with a comparison.
  public PlanReport comparedBy(LayoutComparison comparison) {
    return new PlanReport(
        function,
        id,
        title,
        hwInfo,
        vpasid,
        linked,
        qemu,
        facts,
        fingerprint,
        preflight,
        Optional.of(comparison));
  }

  public boolean isPlaced() {
    return vpasid.placed();
  }

  /// One line.
  public String summary() {
    return function
        + " "
        + id
        + ": "
        + switch (vpasid) {
          case Placed p -> "vPASID at " + p.offset() + ", " + p.strategy().title();
          case Declined d -> "no vPASID. " + d.explanation();
        };
  }

  /// Prints the plan with all reasons.
  ///
  /// @param allChecks print all checks of the guest, not just those that fail or are open
  public void print(Page page, boolean allChecks) {
    page.line(function + " " + id + " " + title);
    switch (vpasid) {
      case Placed p -> print(page, p);
      case Declined d -> {
        page.entry("vPASID", "none");
        page.entry("why", d.explanation());
      }
    }
    printAll(page, "passed over", vpasid.passedOver().stream().map(PlanReport::text).toList());
    if (isPlaced() || allChecks) {
      preflight.print(page, allChecks);
    }
    page.blank();
  }

  private void print(Page page, Placed p) {
    page.entry(
        "vPASID", "at " + p.offset() + ", " + new PasidCapability(p.width(), p.exec(), p.priv()));
    page.entry("place", p.strategy().title());
    printAll(page, "why", p.reasons());
    page.entry("linked", linked);
    page.entry("bytes", p.bytes());
    page.entry("QEMU", qemuText(p.offset()));
    printAll(page, "note", p.notes());
  }

  private String qemuText(Hex planned) {
    return qemu.offset()
        .map(at ->
            "x-vpasid-cap-offset="
                + at
                + (at.equals(planned)
                    ? ""
                    : " (not " + planned + ": QEMU passes guest writes on to the device)"))
        .orElseGet(() -> "none. " + String.join(" ", qemu.notes()));
  }

  /// A label, and behind it or below each other what it is about.
  private static void printAll(Page page, String label, List<String> texts) {
    for (int i = 0; i < texts.size(); i++) {
      page.entry(i == 0 ? label : "", texts.get(i));
    }
  }

  private static String text(Place place) {
    return new ByteRange(place.offset().value(), place.length())
        + " ("
        + place.strategy().title()
        + "): "
        + place.why();
  }

  private static String linkText(SynthesisRequest request, Synthesis synthesis) {
    int next = synthesis.link().next();
    String end = next == 0 ? "it ends the list" : "it leads to " + nameAt(request, next);
    return synthesis
        .predecessor()
        .map(at ->
            "behind "
                + nameAt(request, at)
                + ", whose next pointer changes from "
                + Json.hex(synthesis.link().predecessorHeader() >>> 20)
                + " to "
                + Json.hex(synthesis.offset())
                + "; "
                + end)
        .orElse("as the head of the list; " + end);
  }

  private static String nameAt(SynthesisRequest request, int offset) {
    return CapabilityChain.walk(request.view().config()).extended().stream()
        .filter(c -> c.offset() == offset)
        .findFirst()
        .map(Capability::toString)
        .orElse(String.format(Locale.ROOT, "[%03x] a null capability", offset));
  }

  /// Prints several plans, each in a line, and below once what their guests need.
  public static void printList(Page page, List<PlanReport> plans) {
    page.out().printf("%-13s %-9s %-7s %-7s %s%n", "function", "id", "vPASID", "QEMU", "place");
    Map<String, CheckReport> checks = new TreeMap<>(Comparator.comparingInt(PlanReport::number));
    plans.forEach(plan -> plan.guests().forEach(c -> checks.putIfAbsent(c.label(), c)));
    int placed = (int) plans.stream().filter(PlanReport::isPlaced).count();
    Predicate<String> isCommon =
        label ->
            plans.stream()
                    .filter(p -> p.guests().stream().anyMatch(c -> c.label().equals(label)))
                    .count()
                == placed;
    List<String> common = checks.keySet().stream().filter(isCommon).toList();
    for (PlanReport plan : plans) {
      String own =
          plan.guests().stream()
              .map(CheckReport::label)
              .filter(label -> !common.contains(label))
              .collect(joining(", "));
      switch (plan.vpasid) {
        case Placed p ->
            page.item(
                row(plan, p.offset().toString(), plan.qemu.offset().map(Hex::toString).orElse("-")),
                p.strategy().title() + (own.isEmpty() ? "" : "; " + own));
        case Declined d -> page.item(row(plan, "none", "-"), SynthesisReport.words(d.reason()));
      }
    }
    page.line(
        "%d functions, %d get a vPASID; --function ADDRESS or --details shows why"
            .formatted(plans.size(), placed));
    printChecks(page, "Linux guest, for all of them:", checks, common::contains);
    printChecks(page, "Where a line names it:", checks, label -> !common.contains(label));
    if (plans.stream().anyMatch(p -> p.isPlaced() && p.preflight.answer() == Answer.UNKNOWN)) {
      page.entry("", PreflightReport.TELL_MORE);
    }
  }

  /// The checks that keep the guest from enabling PASIDs, or may.
  private List<CheckReport> guests() {
    return isPlaced()
        ? preflight.checks().stream().filter(c -> c.decidesPasid() && c.matters()).toList()
        : List.of();
  }

  /// The checks that keep a Linux guest from enabling PASIDs, each a sentence.
  public List<String> obstacles() {
    return guests().stream()
        .filter(c -> c.verdict() == Verdict.FAIL)
        .map(c ->
            "a Linux guest will not enable PASIDs, %s: %s: %s"
                .formatted(c.label(), c.name(), c.explanation()))
        .toList();
  }

  /// P2 comes before P10.
  private static int number(String label) {
    return 2 * Integer.parseInt(label.substring(1, label.indexOf(' ')))
        + (label.endsWith("open") ? 1 : 0);
  }

  private static void printChecks(
      Page page, String title, Map<String, CheckReport> checks, Predicate<String> which) {
    List<String> labels = checks.keySet().stream().filter(which).toList();
    if (!labels.isEmpty()) {
      page.blank();
      page.line(title);
      labels.forEach(label -> Objects.requireNonNull(checks.get(label)).print(page, false));
    }
  }

  private static String row(PlanReport plan, String vpasid, String qemu) {
    return String.format(
        Locale.ROOT, "%-13s %-9s %-7s %-7s ", plan.function, plan.id, vpasid, qemu);
  }
}
