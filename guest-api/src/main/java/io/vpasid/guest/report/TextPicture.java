package io.vpasid.guest.report;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;

/// One picture in characters.
final class TextPicture {
  /// Characters in a line where no terminal tells.
  static final int COLUMNS = 80;

  /// Longest entry for an owner, with symbol and offset; what is longer is cut.
  private static final int MAX_ENTRY = 48;

  /// Least room for names beside the rows; where there is less, they stand below.
  private static final int LEAST_NAMES = 28;

  /// Room for names beside the rows if their length is free to choose.
  private static final int GOOD_NAMES = 40;

  /// Bytes between two gaps, where there is room and where there is little.
  private static final int FINE = 4;

  private static final int COARSE = 16;

  private static final String RESET = "\u001b[0m";

  /// Backgrounds for capabilities, of the palette of 256 colours; black is readable on each.
  private static final int[] SHADES = {153, 158, 183, 116, 189, 151};

  private final OccupancyPicture picture;
  private final int rowBytes;
  private final boolean colour;
  private final int columns;
  private final boolean namesBeside;
  private final int group;

  /// Where the names beside the rows begin.
  private final int namesColumn;

  private final StringBuilder out = new StringBuilder();

  /// The longest row, of 16, 32 or 64 bytes, that leaves good room for names.
  static int widestRow(int columns) {
    return IntStream.of(64, 32)
        .filter(row -> columns - namesColumn(row, FINE) >= GOOD_NAMES)
        .findFirst()
        .orElse(16);
  }

  private static int namesColumn(int rowBytes, int group) {
    return 5 + rowBytes + rowBytes / group - 1 + 2 + 6;
  }

  TextPicture(OccupancyPicture picture, int rowBytes, boolean colour, int columns) {
    this.picture = picture;
    this.rowBytes = rowBytes;
    this.colour = colour;
    this.columns = columns;
    namesBeside = columns - namesColumn(rowBytes, FINE) >= LEAST_NAMES;
    group = namesBeside ? FINE : COARSE;
    namesColumn = namesColumn(rowBytes, group);
  }

  String draw() {
    ruler();
    int at = 0;
    while (at < picture.size()) {
      int rows = equalRows(at);
      row(at, rows);
      at += rows * rowBytes;
    }
    out.append('\n');
    if (!namesBeside) {
      flow("  ", allNames());
    }
    flow("  ", legend());
    return out.toString();
  }

  private void ruler() {
    out.append("     ");
    for (int at = 0; at < rowBytes; at += group) {
      String digits = Integer.toHexString(at);
      out.append(digits);
      if (at + group < rowBytes) {
        out.repeat(' ', group + 1 - digits.length());
      }
    }
    out.append('\n');
  }

  /// How many rows from `offset` on look the same.
  private int equalRows(int offset) {
    int rows = 1;
    while (offset + (rows + 1) * rowBytes <= picture.size()
        && looksSame(offset, offset + rows * rowBytes)) {
      rows++;
    }
    return rows;
  }

  private boolean looksSame(int row, int other) {
    for (int i = 0; i < rowBytes; i++) {
      if (picture.areaIndexAt(row + i) != picture.areaIndexAt(other + i)) {
        return false;
      }
    }
    return true;
  }

  private void row(int offset, int rows) {
    out.append(String.format(Locale.ROOT, "%03x  ", offset));
    cells(offset);
    List<String> names = namesBeside ? namesStartingAt(offset, rows) : List.of();
    String count = rows == 1 ? "" : "×" + rows;
    if (names.isEmpty()) {
      out.append(count.isEmpty() ? "" : "  " + count).append('\n');
      return;
    }
    out.append("  ").append(count).repeat(' ', 6 - count.length());
    int used = namesColumn;
    for (int i = 0; i < names.size(); i++) {
      String name = names.get(i);
      int width = width(name) + (i == 0 ? 0 : 2);
      if (i > 0 && used + width > columns) {
        out.append('\n').repeat(' ', namesColumn);
        used = namesColumn;
        width = width(name);
      } else if (i > 0) {
        out.append("  ");
      }
      out.append(name);
      used += width;
    }
    out.append('\n');
  }

  private void cells(int offset) {
    String now = "";
    for (int at = offset; at < offset + rowBytes; at++) {
      Area area = picture.areaAt(at);
      if (at > offset && at % group == 0) {
        // The gap belongs to the area on both sides of it, if it is the same.
        if (picture.areaIndexAt(at - 1) != picture.areaIndexAt(at)) {
          now = paint(now, "");
        }
        out.append(' ');
      }
      now = paint(now, style(area));
      out.append(area.symbol());
    }
    paint(now, "");
  }

  private String paint(String now, String wanted) {
    if (!now.equals(wanted)) {
      out.append(now.isEmpty() ? "" : RESET).append(wanted);
    }
    return wanted;
  }

  private List<String> namesStartingAt(int offset, int rows) {
    List<String> names = new ArrayList<>();
    for (Area area : picture.areas()) {
      if (area.look().isNamed()
          && area.first() >= offset
          && area.first() < offset + rows * rowBytes) {
        names.add(name(area));
      }
    }
    return names;
  }

  private List<String> allNames() {
    return picture.areas().stream().filter(a -> a.look().isNamed()).map(this::name).toList();
  }

  private String name(Area area) {
    String before = area.look() == Look.HEADER || area.look() == Look.MIRRORED ? " " : place(area);
    String after =
        switch (area.look()) {
          case OPEN_CAPABILITY -> ", at least";
          case HIDDEN_CAPABILITY -> ", hidden";
          case UNLINKED_CAPABILITY -> ", in no list";
          default -> "";
        };
    String name = area.look() == Look.MIRRORED ? area.look().meaning() : area.shortName();
    int room = namesBeside ? Math.min(MAX_ENTRY, columns - namesColumn) : MAX_ENTRY;
    int left = room - 1 - before.length() - after.length();
    if (name.length() > left) {
      int end = Character.isHighSurrogate(name.charAt(left - 2)) ? left - 2 : left - 1;
      name = name.substring(0, end).strip() + "…";
    }
    return swatch(area) + before + name + after;
  }

  private static String place(Area area) {
    return String.format(Locale.ROOT, " [%02x] ", area.start());
  }

  /// The meaning of the signs; whom letters stand for is told beside the rows.
  private List<String> legend() {
    List<String> entries = new ArrayList<>();
    for (Look look : picture.looks()) {
      if (look == Look.FREE
          || look == Look.LIVE
          || look == Look.QUIRK
          || look == Look.NOT_IN_DUMP) {
        entries.add(swatch(picture.sample(look)) + " " + look.meaning());
      }
    }
    return entries;
  }

  private String swatch(Area area) {
    String style = style(area);
    return style.isEmpty() ? String.valueOf(area.symbol()) : style + area.symbol() + RESET;
  }

  /// Appends entries in lines, two blanks between.
  private void flow(String indent, List<String> entries) {
    int used = 0;
    for (String entry : entries) {
      int width = width(entry);
      if (used > 0 && used + 2 + width <= columns) {
        out.append("  ").append(entry);
        used += 2 + width;
      } else {
        out.append(used == 0 ? "" : "\n").append(indent).append(entry);
        used = indent.length() + width;
      }
    }
    out.append(entries.isEmpty() ? "" : "\n");
  }

  /// Number of characters on the screen.
  private static int width(String text) {
    return text.replaceAll("\u001b\\[[0-9;]*m", "").length();
  }

  private String style(Area area) {
    if (!colour) {
      return "";
    }
    return switch (area.look()) {
      case FREE, MIRRORED, NOT_IN_DUMP -> "\u001b[38;5;244m";
      case HEADER -> "\u001b[48;5;250;38;5;16m";
      case CAPABILITY, OPEN_CAPABILITY -> on(SHADES[area.number() % SHADES.length]);
      case HIDDEN_CAPABILITY, UNLINKED_CAPABILITY -> on(180);
      case QUIRK -> on(210);
      case LIVE -> on(222);
      case MARK -> "\u001b[1;48;5;40;38;5;16m";
    };
  }

  private static String on(int background) {
    return "\u001b[48;5;" + background + ";38;5;16m";
  }
}
