package io.vpasid.guest.report;

import java.io.PrintWriter;
import java.util.List;

/// Text for people, whose lines end between words where the terminal ends.
///
/// @param out receives the lines
/// @param columns characters in a line; [#ENDLESS] where nobody looks, so that `grep` finds whole
///   sentences
public record Page(PrintWriter out, int columns) {
  /// Lines are as long as what they say.
  public static final int ENDLESS = Integer.MAX_VALUE;

  /// Least room beside a label; where there is less, lines are longer than the terminal.
  private static final int LEAST = 24;

  /// Room for a name that is worth a column of its own.
  private static final int COMFORTABLE = 40;

  /// The blanks before a text below the row that it belongs to.
  private static final String BELOW = " ".repeat(14);

  /// A paragraph from the left edge on.
  public void line(String text) {
    item("", text);
  }

  /// A label of 12 characters, and what it is about beside it.
  public void entry(String label, String text) {
    item(String.format("  %-12s ", label), text);
  }

  /// A label, and behind it or below each other what it is about; nothing if that is nothing.
  public void entries(String label, List<String> texts) {
    for (int i = 0; i < texts.size(); i++) {
      entry(i == 0 ? label : "", texts.get(i));
    }
  }

  /// A row of a table and what it is about: beside it where that leaves room for some words, else
  /// below it.
  public void row(String row, String text) {
    if (columns - row.length() >= COMFORTABLE || text.isEmpty()) {
      item(row, text);
    } else {
      line(row);
      item(BELOW, text);
    }
  }

  /// A paragraph behind `lead`, below which nothing else stands.
  public void item(String lead, String text) {
    int room = Math.max(LEAST, columns - lead.length());
    String left = text;
    String before = lead;
    while (left.length() > room) {
      int end = left.lastIndexOf(' ', room);
      if (end <= 0) {
        end = left.indexOf(' ', room);
        if (end < 0) {
          break;
        }
      }
      out.println(before + left.substring(0, end).stripTrailing());
      left = left.substring(end + 1);
      before = " ".repeat(lead.length());
    }
    out.println((before + left).stripTrailing());
  }

  /// An empty line.
  public void blank() {
    out.println();
  }
}
