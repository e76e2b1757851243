package io.vpasid.guest.report;

import com.fasterxml.jackson.annotation.JsonIgnore;
import com.fasterxml.jackson.annotation.JsonProperty;
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
import io.vpasid.synth.PlacementPolicy;
import io.vpasid.synth.Synthesis;
import io.vpasid.synth.SynthesisRequest;
import io.vpasid.synth.SynthesisResult;
import io.vpasid.synth.Synthesizer;
import io.vpasid.synth.placement.Strategy;
import io.vpasid.synth.preflight.Preflight;
import io.vpasid.synth.preflight.Verdict;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Stream;

/// The plan of one function.
///
/// @param origin where the function was read
/// @param title of the function
/// @param vpasid whether and where it gets a vPASID
/// @param advice what would give it one, as a sentence; empty where nothing is known
/// @param linked how the vPASID hangs in the list, as a part of a sentence; empty without one
/// @param qemu the place that QEMU can take, which may be another
/// @param facts what has to be the same on a host that the guest moves to; JSON has its fingerprint
/// @param preflight the checks that the guest makes of it
public record PlanReport(
    @JsonUnwrapped Origin origin,
    PciAddress function,
    PciId id,
    @JsonIgnore String title,
    HardwareInfo hwInfo,
    @JsonUnwrapped SynthesisReport vpasid,
    @JsonIgnore String advice,
    @JsonIgnore String linked,
    QemuPlace qemu,
    @JsonProperty("fingerprint") Layout facts,
    PreflightReport preflight) {

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
    return new PlanReport(
        Origin.of(function),
        function.address(),
        function.id(),
        FunctionTitle.of(function, names),
        request.hardware(),
        SynthesisReport.of(result),
        advice(request, result),
        result instanceof Synthesis s ? linkText(request, s) : "",
        QemuPlace.of(qemu),
        Layout.of(request, result),
        PreflightReport.of(preflight));
  }

  private static String advice(SynthesisRequest request, SynthesisResult result) {
    PlacementPolicy policy = request.policy();
    if (result instanceof Synthesis || policy.offset().isEmpty() || policy.shadowing()) {
      return "";
    }
    SynthesisRequest shadowing =
        new SynthesisRequest(
            request.view(),
            request.kind(),
            request.hardware(),
            request.quirks(),
            new PlacementPolicy(policy.offset(), policy.available(), true),
            request.otherCaptures(),
            request.further());
    return Synthesizer.synthesize(shadowing) instanceof Synthesis
        ? "With --allow-shadowing it is put there; the guest then cannot reach what it covers."
        : "";
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
        if (!advice.isEmpty()) {
          page.entry("", advice);
        }
      }
    }
    page.entries(
        "passed over",
        vpasid.passedOver().stream()
            .filter(p -> p.strategy() != Strategy.REQUESTED) // which is the reason already
            .map(PlanReport::text)
            .toList());
    if (isPlaced() || allChecks) {
      preflight.print(page, allChecks);
    }
    page.blank();
  }

  private void print(Page page, Placed p) {
    page.entry(
        "vPASID", "at " + p.offset() + ", " + new PasidCapability(p.width(), p.exec(), p.priv()));
    page.entry("place", p.strategy().title());
    page.entries("why", p.reasons());
    page.entry("linked", linked);
    page.entry("bytes", p.bytes());
    page.entry("QEMU", qemuText(p.offset()));
    page.entries("note", p.notes());
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

  /// The place that QEMU is to be told, and what there is to say of it beside the reasons of the
  /// plan.
  List<String> qemuTexts() {
    List<String> reasons = vpasid instanceof Placed p ? p.reasons() : List.of();
    return Stream.concat(
            Stream.of(qemu.offset().map(at -> "x-vpasid-cap-offset=" + at).orElse("none")),
            qemu.notes().stream().filter(note -> !reasons.contains(note)))
        .toList();
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

  /// The checks that keep the guest from enabling PASIDs, or may.
  List<CheckReport> guests() {
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
}
