package io.vpasid.it.load;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/// What the project promises about speed, and what was measured of it: the rows of a table. Each is
/// printed as soon as it is known.
final class Budgets {
  private static final String HELP = "What would help:";

  private final List<String> rows = new ArrayList<>();
  private final List<Missed> missed = new ArrayList<>();
  private String subject = "";

  /// A budget that does not hold.
  ///
  /// @param subject the heading, among the notes, of the profile that says where the time goes
  private record Missed(String what, String subject) {}

  /// Says what the rows that follow are about, until it is said again: a heading of
  /// `performance-notes.md`.
  Budgets about(String heading) {
    subject = heading;
    return this;
  }

  /// A ratio that may be no larger than its budget.
  ///
  /// @param baseline what ours is compared with
  void atMost(String what, String baseline, Comparison measured, double budget) {
    ratio(what, baseline, measured, "≤ ", budget, measured.ratio().median() <= budget);
  }

  /// A ratio that may be no smaller than its budget.
  void atLeast(String what, String baseline, Comparison measured, double budget) {
    ratio(what, baseline, measured, "≥ ", budget, measured.ratio().median() >= budget);
  }

  /// A quantity that is compared with nothing and may be no larger than its budget.
  void atMost(String what, Spread value, String unit, double budget) {
    row(what, "–", value.text(unit), "–", "≤ " + bound(budget) + unit, value.median() <= budget);
  }

  /// Likewise no smaller.
  void atLeast(String what, Spread value, String unit, double budget) {
    row(what, "–", value.text(unit), "–", "≥ " + bound(budget) + unit, value.median() >= budget);
  }

  /// A budget that cannot be measured here.
  void leftOut(String what, String why) {
    add("| %s | | left out: %s | | | |".formatted(what, why));
  }

  private void ratio(
      String what, String baseline, Comparison measured, String sign, double budget, boolean met) {
    row(
        what,
        baseline + ": " + measured.baseline().text(measured.unit()),
        measured.ours().text(measured.unit()),
        measured.ratio().text("×"),
        sign + bound(budget) + "×",
        met);
  }

  private void row(
      String what, String baseline, String value, String ratio, String budget, boolean met) {
    String verdict = met ? "met" : "**missed**";
    add("| %s | %s | %s | %s | %s | %s |".formatted(what, baseline, value, ratio, budget, verdict));
    if (!met) {
      missed.add(new Missed(what, subject));
    }
  }

  private void add(String row) {
    rows.add(row);
    System.out.println(row);
  }

  private static String bound(double value) {
    return value < 10 && value != Math.rint(value) ? Double.toString(value) : Spread.number(value);
  }

  String table() {
    return "| what | baseline | measured | ratio | budget | |\n|---|---|---|---|---|---|\n"
        + String.join("\n", rows)
        + "\n";
  }

  /// Those that do not hold, each with a link to the profile that says where its time goes, and
  /// with what would help.
  ///
  /// @param notes the text with the profiles, each below a heading of three, with a paragraph that
  ///   begins with "What would help:" if anything is known to
  String missed(String notes) {
    if (missed.isEmpty()) {
      return "Every budget that was measured holds.\n";
    }
    StringBuilder text = new StringBuilder("Missed, and where the time goes:\n\n");
    for (Missed one : missed) {
      text.append("- ").append(one.what).append(": ").append(why(one, notes)).append('\n');
    }
    return text.toString();
  }

  private static String why(Missed one, String notes) {
    int begin = notes.indexOf("### " + one.subject + '\n');
    if (begin < 0) {
      return "not known yet";
    }
    String link =
        "[%s](#%s)".formatted(one.subject, one.subject.toLowerCase(Locale.ROOT).replace(' ', '-'));
    int end = notes.indexOf("\n### ", begin);
    String profile = end < 0 ? notes.substring(begin) : notes.substring(begin, end);
    return Arrays.stream(profile.split("\n\n", -1))
        .filter(paragraph -> paragraph.startsWith(HELP))
        .findFirst()
        .map(paragraph -> link + ". " + paragraph.strip().replace('\n', ' '))
        .orElse(link);
  }
}
