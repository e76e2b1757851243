package io.vpasid.guest.report;

import static java.util.stream.Collectors.joining;

import io.vpasid.guest.html.DataTable;
import io.vpasid.guest.html.Html;
import io.vpasid.guest.report.PreflightReport.CheckReport;
import io.vpasid.guest.report.SynthesisReport.Declined;
import io.vpasid.guest.report.SynthesisReport.Place;
import io.vpasid.guest.report.SynthesisReport.Placed;
import io.vpasid.pci.ByteRange;
import io.vpasid.synth.PasidCapability;
import io.vpasid.synth.preflight.Answer;
import io.vpasid.synth.preflight.Verdict;
import io.vpasid.synth.quirk.HiddenBits;
import io.vpasid.synth.quirk.Quirk;
import java.util.List;
import java.util.stream.Stream;

/// One function in a page: a part that opens, with its map, its chain, its hidden registers, the
/// place of its vPASID, what its guest checks, and the quirks that apply.
final class HtmlFunction {
  /// Most rows of a table of gaps, and most bytes that one shows.
  private static final int MAX_GAPS = 64;

  private static final int MAX_BYTES = 32;

  private final Html html = new Html();
  private final String id;

  private HtmlFunction(String id) {
    this.id = id;
  }

  static String draw(String id, ReportedFunction reported) {
    HtmlFunction part = new HtmlFunction(id);
    InspectReport bytes = reported.bytes();
    PlanReport plan = reported.plan();
    part.open(
        plan.function() + " " + plan.id() + " " + bytes.name(),
        plan.vpasid() instanceof Placed p ? "vPASID at " + p.offset() : "no vPASID",
        plan.isPlaced() ? "good" : "none");
    part.placement(reported);
    part.html.element("h3", "Map");
    part.picture(bytes.picture());
    part.capabilities(bytes.picture(), "Capabilities", bytes.listed());
    part.capabilities(
        bytes.picture(), "Capabilities that are in no list", bytes.unlinkedCapabilities());
    part.odd(bytes.anomalies());
    part.hiddenRegisters(reported.quirks());
    part.gaps(bytes.gaps());
    part.quirks(reported.quirks());
    part.guest(plan.preflight());
    return part.close();
  }

  static String draw(String id, PartialReport partial) {
    HtmlFunction part = new HtmlFunction(id);
    part.open(
        partial.function() + " " + partial.id() + " " + partial.description(), "not whole", "open");
    part.html.element("p", partial.problem());
    part.html.element("p", "No vPASID: any byte that is not in the dump may be live.");
    part.picture(partial.picture());
    part.capabilities(partial.picture(), "Capabilities", partial.listed());
    part.odd(partial.anomalies());
    return part.close();
  }

  private void open(String title, String state, String kind) {
    html.open("details", "class", "part", "id", id)
        .open("summary")
        .element("h2", title)
        .element("span", state, "class", "state " + kind)
        .close()
        .open("div");
  }

  private String close() {
    return html.close().close().toString();
  }

  private void placement(ReportedFunction reported) {
    PlanReport plan = reported.plan();
    html.element("h3", "Placement").open("dl");
    if (!reported.source().isEmpty()) {
      entry("read from", List.of(reported.source()));
    }
    entry("function", List.of(reported.bytes().counts()));
    entry("host reports", List.of(plan.hwInfo().toString()));
    switch (plan.vpasid()) {
      case Placed p -> {
        entry(
            "vPASID",
            List.of(
                "at " + p.offset() + ", " + new PasidCapability(p.width(), p.exec(), p.priv())));
        entry("place", List.of(p.strategy().title()));
        entry("why", p.reasons());
        entry("linked", List.of(plan.linked()));
        entry("bytes", List.of(p.bytes()));
        entry("note", p.notes());
      }
      case Declined d -> {
        entry("vPASID", List.of("none"));
        entry("why", List.of(d.explanation()));
      }
    }
    entry("QEMU", plan.qemuTexts());
    entry("QEMU’s default", List.of(qemuDefault(reported)));
    entry("layout", List.of(plan.facts().fingerprint()));
    html.close();
    List<Place> passedOver = plan.vpasid().passedOver();
    if (!passedOver.isEmpty()) {
      DataTable table =
          new DataTable(
              "Places that were looked at and not taken", "Place", "What it is", "Why not");
      passedOver.forEach(place ->
          table
              .row()
              .heading(new ByteRange(place.offset().value(), place.length()).toString())
              .cell(place.strategy().title())
              .cell(place.why()));
      html.drawing(table.draw());
    }
  }

  private static String qemuDefault(ReportedFunction reported) {
    return reported
        .qemuDefault()
        .map(hits ->
            hits.isEmpty()
                ? "0xff8, where nothing is known to be"
                : "0xff8, which hits " + String.join(", ", hits))
        .orElse("QEMU shows no vPASID of this function");
  }

  private void entry(String label, List<String> texts) {
    if (!texts.isEmpty()) {
      html.element("dt", label).open("dd");
      texts.forEach(text -> html.element("div", text));
      html.close();
    }
  }

  private void picture(OccupancyPicture picture) {
    html.open(
            "div",
            "class",
            "picture",
            "tabindex",
            "0",
            "role",
            "group",
            "aria-label",
            "Map of " + picture.title())
        .drawing(picture.svgInPage(id + "-map"))
        .close();
  }

  private void capabilities(
      OccupancyPicture picture, String caption, List<CapabilityReport> capabilities) {
    if (capabilities.isEmpty()) {
      return;
    }
    DataTable table =
        new DataTable(caption, "Bytes", "In the map", "Capability", "Version", "Length", "Next");
    for (CapabilityReport c : capabilities) {
      table
          .row()
          .heading(c.capability().extent().range().toString())
          .cell(String.valueOf(picture.symbolAt(c.offset().value())))
          .cell(c.name() + (c.hidden() ? ", hidden by vfio-pci" : ""))
          .number(c.capability().id().isExtended() ? c.version() : "–")
          .number((c.lengthIsLowerBound() ? "≥ " : "") + c.length())
          .number(c.next());
    }
    html.drawing(table.draw());
  }

  private void odd(List<AnomalyReport> anomalies) {
    if (!anomalies.isEmpty()) {
      html.element("h3", "Odd").open("ul", "class", "plain");
      anomalies.forEach(anomaly -> html.element("li", anomaly.text()));
      html.close();
    }
  }

  private void hiddenRegisters(QuirkExplanation quirks) {
    List<HiddenBits> hidden = quirks.decided().hiddenBits();
    html.element("h3", "Hidden registers");
    if (hidden.isEmpty()) {
      html.element("p", "No quirk knows any in this function.");
      return;
    }
    DataTable table =
        new DataTable(
            "Registers that no capability describes",
            "Bytes",
            "Mask",
            "What",
            "Access",
            "Known from",
            "Source");
    for (HiddenBits bits : hidden) {
      table
          .row()
          .heading(bits.range().toString())
          .number(bits.isWholeBytes() ? "all" : "%08x".formatted(bits.mask()))
          .cell(bits.what())
          .cell(bits.access().toString())
          .cell(bits.evidence() + ", by " + bits.source().entryId())
          .cell(
              quirks.matching().stream()
                  .filter(q -> q.source().equals(bits.source()))
                  .map(Quirk::citation)
                  .collect(joining("; ")));
    }
    html.drawing(table.draw());
  }

  private void gaps(List<InspectReport.Gap> gaps) {
    if (gaps.isEmpty()) {
      return;
    }
    html.element("h3", "Between the capabilities");
    DataTable table =
        new DataTable(
            "Bytes outside all listed capabilities", "Bytes", "Length", "Whose", "Content");
    for (InspectReport.Gap gap : gaps.subList(0, Math.min(gaps.size(), MAX_GAPS))) {
      table
          .row()
          .heading(new ByteRange(gap.offset().value(), gap.length()).toString())
          .number(gap.length())
          .cell(gap.owner().orElse("free"))
          .number(gap.content().map(HtmlFunction::shortened).orElse("00"));
    }
    html.drawing(table.draw());
    if (gaps.size() > MAX_GAPS) {
      html.element(
          "p", "And %d more; inspect --json has them all.".formatted(gaps.size() - MAX_GAPS));
    }
  }

  /// @param content in hexadecimal, three characters a byte
  private static String shortened(String content) {
    return content.length() <= 3 * MAX_BYTES ? content : content.substring(0, 3 * MAX_BYTES) + "…";
  }

  private void quirks(QuirkExplanation quirks) {
    html.element("h3", "Quirks");
    if (quirks.matching().isEmpty()) {
      html.element("p", "None is about this function.");
    } else {
      DataTable table =
          new DataTable(
              "Quirks that apply, the strongest last", "Quirk", "Devices", "Says", "Source");
      for (Quirk quirk : quirks.matching()) {
        QuirkReport report = new QuirkReport(quirk);
        table
            .row()
            .heading(quirk.id())
            .lines(List.of(quirk.name(), report.place()))
            .cell(report.effects())
            .lines(
                Stream.of(quirk.citation(), quirk.notes())
                    .filter(text -> !text.isEmpty())
                    .toList());
      }
      html.drawing(table.draw());
    }
    if (!quirks.nearMisses().isEmpty()) {
      html.open("ul", "class", "plain");
      quirks
          .nearMisses()
          .forEach(
              miss -> html.element("li", "Not about it: " + miss.quirk().id() + ", " + miss.why()));
      html.close();
    }
  }

  private void guest(PreflightReport preflight) {
    html.element("h3", "Linux guest").element("p", "It " + preflight.summary() + ".");
    DataTable table = new DataTable("What fails, or is open", "Check", "Result", "Why", "Remedy");
    List<CheckReport> checks = preflight.checks();
    boolean any = false;
    for (CheckReport check : checks) {
      if (check.matters()) {
        any = true;
        table
            .row()
            .heading(check.id() + " " + check.name(), HtmlReport.checkId(check.id()))
            .state(
                check.verdict() == Verdict.FAIL ? "fails" : "open",
                check.verdict() == Verdict.UNKNOWN ? "open" : check.decidesPasid() ? "bad" : "open")
            .lines(
                Stream.concat(
                        Stream.of(
                            check.explanation()
                                + (check.decidesPasid() ? "" : " PASIDs do without it.")),
                        check.evidence().stream().map(PreflightReport.EvidenceReport::text))
                    .toList())
            .cell(check.remedy().orElse(""));
      }
    }
    if (any) {
      html.drawing(table.draw());
    }
    html.element(
        "p",
        checks.stream()
            .filter(c -> c.verdict() == Verdict.PASS)
            .map(CheckReport::id)
            .collect(joining(", ", "Passes: ", ".")),
        "class",
        "muted");
  }

  /// Adds a cell with what the checks come to.
  static void answer(DataTable table, PreflightReport preflight) {
    Answer answer = preflight.answer();
    switch (answer) {
      case YES -> table.state("enables PASIDs", "good");
      case NO -> table.state("does not", "bad");
      case UNKNOWN -> table.state("may", "open");
    }
  }
}
