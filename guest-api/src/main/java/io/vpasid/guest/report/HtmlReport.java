package io.vpasid.guest.report;

import io.vpasid.guest.html.DataTable;
import io.vpasid.guest.html.FilterBar;
import io.vpasid.guest.html.Html;
import io.vpasid.guest.html.HtmlPage;
import io.vpasid.guest.report.SynthesisReport.Declined;
import io.vpasid.guest.report.SynthesisReport.Placed;
import io.vpasid.synth.preflight.CheckId;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/// A page of functions: all of them in a table, then each with its map and all reasons.
///
/// It keeps what it needs of a function as text, not its bytes.
public final class HtmlReport {
  private final DataTable overview =
      DataTable.sortable(
          "Functions",
          "Function",
          "Id",
          "Name",
          "vPASID",
          "Place, or why none",
          "For QEMU",
          "QEMU’s 0xff8",
          "Linux guest",
          "Read from");
  private final List<String> sections = new ArrayList<>();
  private final List<String> leftOut = new ArrayList<>();
  private int functions;
  private int placed;
  private int qemuPlaces;
  private int qemuHits;
  private int incomplete;

  /// Adds a function.
  public void add(ReportedFunction reported) {
    functions++;
    boolean isPlaced = reported.plan().isPlaced();
    placed += isPlaced ? 1 : 0;
    qemuPlaces += reported.qemuDefault().isPresent() ? 1 : 0;
    qemuHits += reported.qemuHits() ? 1 : 0;
    String id = "f" + (sections.size() + 1);
    PlanReport plan = reported.plan();
    overview
        .row(
            "data-part",
            id,
            "data-kinds",
            (isPlaced ? "placed" : "declined") + (reported.qemuHits() ? " hits" : ""))
        .heading(plan.function().toString(), id)
        .number(plan.id())
        .cell(reported.bytes().name());
    switch (plan.vpasid()) {
      case Placed p -> overview.number(p.offset()).cell(p.strategy().title());
      case Declined d -> overview.state("none", "none").cell(SynthesisReport.words(d.reason()));
    }
    overview.number(plan.qemu().offset().map(Hex::toString).orElse("–"));
    if (reported.qemuHits()) {
      overview.state("hits " + reported.qemuText(), "bad");
    } else {
      overview.cell(reported.qemuText());
    }
    if (isPlaced) {
      HtmlFunction.answer(overview, plan.preflight());
    } else {
      overview.cell("–");
    }
    overview.cell(shortSource(reported.source()));
    sections.add(HtmlFunction.draw(id, reported));
  }

  /// The name of a file without its folders, which the function's part has.
  private static String shortSource(String source) {
    return source.substring(source.lastIndexOf('/') + 1);
  }

  /// Adds a function of which a dump has not all bytes.
  public void add(PartialReport partial) {
    incomplete++;
    String id = "f" + (sections.size() + 1);
    overview
        .row("data-part", id, "data-kinds", "incomplete")
        .heading(partial.function().toString(), id)
        .number(partial.id())
        .cell(partial.description())
        .state("unknown", "open")
        .cell("%d of %d bytes are in the dump".formatted(partial.bytesInDump(), partial.bytes()))
        .cell("–")
        .cell("–")
        .cell("–")
        .cell("");
    sections.add(HtmlFunction.draw(id, partial));
  }

  /// Adds a file or folder that was left out.
  ///
  /// @param reason its name and what is wrong
  public void leaveOut(String reason) {
    leftOut.add(reason);
  }

  /// The number of functions, incomplete ones included.
  public int size() {
    return functions + incomplete;
  }

  /// The number of functions that get a vPASID.
  public int placed() {
    return placed;
  }

  /// Writes the page.
  ///
  /// @param notes what was assumed, each a sentence
  public void write(Appendable to, List<String> notes) throws IOException {
    List<String> main = new ArrayList<>();
    main.add(SvgStyle.shapesOfPage());
    main.add(summary(notes));
    main.add(overview.draw());
    main.add(leftOut());
    main.add("<h2 id=\"functions\">Each function</h2>\n");
    main.addAll(sections);
    main.add(checks());
    HtmlPage.ofFile("vpasid report", SvgStyle.ofPage()).write(to, main);
  }

  private String summary(List<String> notes) {
    Html html = new Html();
    html.element(
        "p",
        "Whether and where each function gets a virtual PASID capability, and why there."
            + " Headings of the table sort it; a function’s address leads to its map and reasons."
            + " What is open is printed.");
    notes.forEach(note -> html.element("p", "Note: " + note + ".", "class", "muted"));
    html.open("ul", "class", "counts");
    count(html, functions, functions == 1 ? "function" : "functions");
    count(html, placed, placed == 1 ? "gets a vPASID" : "get a vPASID");
    count(html, qemuPlaces, "would get one from QEMU at 0xff8");
    count(html, qemuHits, "of these on something");
    if (incomplete > 0) {
      count(html, incomplete, "not whole in the dump");
    }
    html.close();
    html.drawing(
        FilterBar.draw("placed", "get a vPASID", "declined", "get none", "hits", "0xff8 hits"));
    return html.toString();
  }

  private static void count(Html html, int number, String what) {
    html.open("li").element("b", String.valueOf(number)).text(what).close();
  }

  private String leftOut() {
    if (leftOut.isEmpty()) {
      return "";
    }
    Html html = new Html();
    html.element("h2", "Left out");
    html.open("ul", "class", "plain");
    leftOut.forEach(reason -> html.element("li", reason));
    return html.close().toString();
  }

  /// The rules that a guest checks, once for all functions.
  private static String checks() {
    Html html = new Html();
    html.element("h2", "The checks of a Linux guest");
    DataTable table = new DataTable("Linux’s rules, and where it has them", "Check", "Rule", "In");
    for (CheckId check : CheckId.values()) {
      table
          .row("id", checkId(check.name()))
          .heading(check.name() + " " + check.title())
          .cell(check.rule())
          .cell(check.source());
    }
    return html.drawing(table.draw()).toString();
  }

  /// The id of a check's row in the page.
  static String checkId(String check) {
    return "check-" + check;
  }
}
