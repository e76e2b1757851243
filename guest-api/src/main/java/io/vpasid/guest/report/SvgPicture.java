package io.vpasid.guest.report;

import io.vpasid.pci.ByteRange;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/// One picture as SVG.
///
/// ```text
///  title
///  details
///        0    4    8    c    10   14   18   1c
///  000  |header                               |-- # 000 header
///  040  |PCIe                 |               |-- A 040 PCIe  PCI Express
///   ⋮   | 0x080-0x0ff  free                   |
///  100  |AER                                  |-- B 100 AER   Advanced Error Reporting
///  legend
/// ```
///
/// All coordinates are whole or half pixels of a drawing that is [#WIDTH] wide.
final class SvgPicture {
  private static final int WIDTH = 960;
  private static final int MARGIN = 18;

  /// Bytes in a row, and pixels of each.
  private static final int ROW_BYTES = 32;

  private static final int CELL = 15;
  private static final int ROW = 24;

  /// Height of a row that stands for several, and how many there have to be.
  private static final int BAND = 34;

  private static final int BAND_ROWS = 3;

  private static final int GRID_X = 52;
  private static final int GRID_END = GRID_X + ROW_BYTES * CELL;

  /// Distance between two lines of details.
  private static final int LINE = 18;

  /// Most lines of one detail.
  private static final int MAX_LINES = 2;

  private static final int LIST_X = GRID_END + 30;
  private static final int LIST_ROW = 20;
  private static final int NAME_X = LIST_X + 26 + 30;

  /// Pixels between a name and what follows it.
  private static final int GAP = 8;

  /// Fewest characters of a cut name that say more than a symbol.
  private static final int MIN_CUT_NAME = 6;

  /// Number of fills for capabilities in the style sheet.
  private static final int SHADES = 6;

  /// Lies over the fill of a capability that may be longer.
  private static final String OPEN_FILL = "fill=\"url(#map-open)\"";

  private static final String STYLE =
      """
      text{font-family:system-ui,-apple-system,'Segoe UI',Roboto,'DejaVu Sans',sans-serif;font-size:12px;fill:#1f2937}
      .mono{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace;font-size:11px}
      .title{font-size:16px;font-weight:600}
      .muted{fill:#64748b}
      .bold{font-weight:600}
      .in{font-size:11px;font-weight:600;fill:#0f172a}
      .on-hatch{paint-order:stroke;stroke:#ffffff;stroke-width:4px;stroke-linejoin:round}
      .card{fill:#ffffff;stroke:#d8dee6}
      .free{fill:#f3f5f8}
      .header{fill:#cbd5e1}
      .c0{fill:#bfdbfe}.c1{fill:#a7e8df}.c2{fill:#ddd6fe}.c3{fill:#bae6fd}.c4{fill:#c7d2fe}.c5{fill:#bbf0cf}
      .live{fill:#fcd34d}
      .hidden{fill:#fdebd3}.hidden-line{stroke:#e0963c}
      .quirk{fill:#fee2e2}.quirk-line{stroke:#ef4444}
      .mirror{fill:#eef1f5}.mirror-line{stroke:#b6c0cd}
      .open-line{stroke:#ffffff}
      .mark{fill:#22c55e}.mark-edge{fill:none;stroke:#15803d;stroke-width:2.5}
      .on-mark{fill:#052e16}
      .edge{fill:none;stroke:#ffffff;stroke-width:1.5}
      .rim{fill:none;stroke:#d8dee6}
      .tick{stroke:#e2e7ee;stroke-width:1}
      .lead{fill:none;stroke:#a9b4c2;stroke-width:1}
      @media(prefers-color-scheme:dark){
      text{fill:#e5e9f0}
      .muted{fill:#94a3b8}
      .in{fill:#f8fafc}
      .on-hatch{stroke:#11161f}
      .card{fill:#11161f;stroke:#2b3545}
      .free{fill:#1b222d}
      .header{fill:#4b5768}
      .c0{fill:#24509a}.c1{fill:#0f6a63}.c2{fill:#5a3fa3}.c3{fill:#0d6091}.c4{fill:#4146a0}.c5{fill:#1c6b43}
      .live{fill:#a16207}
      .hidden{fill:#46301a}.hidden-line{stroke:#c98a3f}
      .quirk{fill:#4c1d1d}.quirk-line{stroke:#ef4444}
      .mirror{fill:#1f2733}.mirror-line{stroke:#4a576a}
      .open-line{stroke:#11161f}
      .mark-edge{stroke:#86efac}
      .on-mark{fill:#052e16}
      .edge{stroke:#11161f}
      .rim{stroke:#2b3545}
      .tick{stroke:#28313f}
      .lead{stroke:#5b687b}
      }
      """;

  private final OccupancyPicture picture;
  private final StringBuilder out = new StringBuilder(16_384);
  private final List<Slot> slots = new ArrayList<>();
  private final List<String> details;
  private final int gridY;

  /// One line of the drawing: a row, or several that look alike.
  ///
  /// @param offset of the first byte
  /// @param rows number of rows
  /// @param y of its upper edge
  private record Slot(int offset, int rows, int y) {
    boolean isBand() {
      return rows >= BAND_ROWS;
    }

    int height() {
      return isBand() ? BAND : ROW;
    }

    int bottom() {
      return y + height();
    }

    int end() {
      return offset + rows * ROW_BYTES;
    }
  }

  SvgPicture(OccupancyPicture picture) {
    this.picture = picture;
    details = picture.details().stream().flatMap(d -> wrapped(d).stream()).toList();
    gridY = 70 + LINE * details.size();
    int y = gridY;
    int at = 0;
    while (at < picture.size()) {
      int alike = rowsLike(at);
      Slot slot = new Slot(at, alike >= BAND_ROWS ? alike : 1, y);
      slots.add(slot);
      y = slot.bottom();
      at = slot.end();
    }
  }

  /// What the picture stands in.
  sealed interface Frame {
    /// A file of its own.
    record Document() implements Frame {}

    /// A page with [#styleOfPage] and, once, [#shapesOfPage].
    ///
    /// @param id of the picture, unique in the page
    record InPage(String id) implements Frame {}
  }

  /// The style of pictures in a page, which concerns nothing else there.
  static String styleOfPage() {
    return "svg.map{\n" + STYLE + "}\n";
  }

  /// What all pictures of a page refer to.
  static String shapesOfPage() {
    StringBuilder shapes = new StringBuilder("<svg class=\"map shapes\" aria-hidden=\"true\">");
    shapes(shapes);
    return shapes.append("</svg>\n").toString();
  }

  String draw(Frame frame) {
    int gridBottom = slots.getLast().bottom();
    StringBuilder list = new StringBuilder();
    int listBottom = list(list);
    int legendY = Math.max(gridBottom, listBottom) + 30;
    StringBuilder legend = new StringBuilder();
    int height = legend(legend, legendY) + 16;
    open(height, frame);
    ruler(gridBottom);
    picture.areas().forEach(this::area);
    edges();
    marks();
    slots.forEach(this::offsetOf);
    slots.stream().filter(Slot::isBand).forEach(this::bandText);
    picture.areas().forEach(this::insideName);
    out.append(list).append(legend).append("</svg>\n");
    return out.toString();
  }

  /// How many rows from `offset` on have one and the same area all over.
  private int rowsLike(int offset) {
    int area = picture.areaIndexAt(offset);
    int at = offset;
    while (at < picture.size() && picture.areaIndexAt(at) == area) {
      at++;
    }
    return Math.max(1, (at - offset) / ROW_BYTES);
  }

  private void open(int height, Frame frame) {
    String id =
        switch (frame) {
          case Frame.Document _ -> "map";
          case Frame.InPage page -> page.id();
        };
    line(
        "<svg %s viewBox=\"0 0 %d %d\" width=\"%d\""
            + " height=\"%d\" role=\"img\" aria-labelledby=\"%s-title %s-text\">",
        frame instanceof Frame.Document ? "xmlns=\"http://www.w3.org/2000/svg\"" : "class=\"map\"",
        WIDTH,
        height,
        WIDTH,
        height,
        id,
        id);
    String title = picture.title().isEmpty() ? "Configuration space" : picture.title();
    line("<title id=\"%s-title\">%s</title>", id, escape(title));
    line("<desc id=\"%s-text\">%s</desc>", id, escape(description()));
    if (frame instanceof Frame.Document) {
      out.append("<style>\n").append(STYLE).append("</style>\n");
      shapes(out);
    }
    line(
        "<rect class=\"card\" x=\"0.5\" y=\"0.5\" width=\"%d\" height=\"%d\" rx=\"10\"/>",
        WIDTH - 1, height - 1);
    text(MARGIN, 32, "title", fit(title, WIDTH - 2 * MARGIN, 16, true));
    for (int i = 0; i < details.size(); i++) {
      text(MARGIN, 52 + LINE * i, "muted", details.get(i));
    }
  }

  private String description() {
    StringBuilder text = new StringBuilder(String.join(" \u2022 ", picture.details()));
    for (Area area : picture.areas()) {
      if (area.look().isNamed()) {
        text.append(" \u2022 ").append(area.description());
      }
    }
    return text.toString();
  }

  /// The fills that are no plain colours.
  private static void shapes(StringBuilder into) {
    into.append("<defs>\n");
    hatch(into, "hidden", 6);
    hatch(into, "quirk", 5);
    hatch(into, "mirror", 8);
    append(
        into,
        "<pattern id=\"map-open\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\""
            + " patternTransform=\"rotate(-45)\"><line class=\"open-line\" x1=\"0\" y1=\"0\""
            + " x2=\"0\" y2=\"6\" stroke-width=\"2\"/></pattern>");
    into.append("</defs>\n");
  }

  private static void hatch(StringBuilder into, String name, int distance) {
    append(
        into,
        "<pattern id=\"map-%s\" width=\"%d\" height=\"%d\" patternUnits=\"userSpaceOnUse\""
            + " patternTransform=\"rotate(45)\"><rect class=\"%s\" width=\"%d\" height=\"%d\"/>"
            + "<line class=\"%s-line\" x1=\"0\" y1=\"0\" x2=\"0\" y2=\"%d\""
            + " stroke-width=\"2\"/></pattern>",
        name,
        distance,
        distance,
        name,
        distance,
        distance,
        name,
        distance);
  }

  private void ruler(int gridBottom) {
    for (int at = 0; at < ROW_BYTES; at += 4) {
      text(GRID_X + at * CELL + 1, gridY - 7, "mono muted", "+" + Integer.toHexString(at));
    }
    line(
        "<rect class=\"free\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\"/>",
        GRID_X, gridY, ROW_BYTES * CELL, gridBottom - gridY);
    StringBuilder ticks = new StringBuilder();
    for (Slot slot : slots) {
      if (!slot.isBand()) {
        for (int at = 4; at < ROW_BYTES; at += 4) {
          ticks.append(String.format(Locale.ROOT, "M%d %dv%d", GRID_X + at * CELL, slot.y(), ROW));
        }
      }
    }
    line("<path class=\"tick\" d=\"%s\"/>", ticks);
  }

  /// The bytes of an area with a tooltip; free ones have the ground's colour and need none.
  private void area(Area area) {
    if (area.look() == Look.FREE) {
      return;
    }
    String outline = outline(area);
    line(
        "<g><title>%s</title><path %s d=\"%s\"/>%s</g>",
        escape(area.description()),
        fill(area),
        outline,
        area.look() == Look.OPEN_CAPABILITY
            ? "<path " + OPEN_FILL + " d=\"" + outline + "\"/>"
            : "");
  }

  private String outline(Area area) {
    StringBuilder path = new StringBuilder();
    for (ByteRange run : area.runs()) {
      for (Box box : boxes(run)) {
        path.append(
            String.format(
                Locale.ROOT,
                "M%d %dh%dv%dh-%dz",
                box.x(),
                box.slot().y(),
                box.width(),
                box.slot().height(),
                box.width()));
      }
    }
    return path.toString();
  }

  private static String fill(Area area) {
    return switch (area.look()) {
      case FREE -> "class=\"free\"";
      case HEADER -> "class=\"header\"";
      case CAPABILITY, OPEN_CAPABILITY -> "class=\"c" + area.number() % SHADES + "\"";
      case HIDDEN_CAPABILITY, UNLINKED_CAPABILITY -> "fill=\"url(#map-hidden)\"";
      case QUIRK -> "fill=\"url(#map-quirk)\"";
      case MIRRORED, NOT_IN_DUMP -> "fill=\"url(#map-mirror)\"";
      case LIVE -> "class=\"live\"";
      case MARK -> "class=\"mark\"";
    };
  }

  /// The part of a run that lies in one slot.
  private record Box(Slot slot, int x, int width) {}

  private List<Box> boxes(ByteRange run) {
    List<Box> boxes = new ArrayList<>();
    for (Slot slot : slots) {
      int from = Math.max(run.offset(), slot.offset());
      int to = Math.min(run.end(), slot.end());
      if (from < to) {
        boxes.add(
            slot.isBand()
                ? new Box(slot, GRID_X, ROW_BYTES * CELL)
                : new Box(slot, GRID_X + (from - slot.offset()) * CELL, (to - from) * CELL));
      }
    }
    return boxes;
  }

  /// Lines of the ground's colour between neighbours, and around bands.
  private void edges() {
    StringBuilder path = new StringBuilder();
    for (int i = 0; i < slots.size(); i++) {
      Slot slot = slots.get(i);
      if (!slot.isBand()) {
        for (int at = slot.offset() + 1; at < slot.end(); at++) {
          if (picture.areaIndexAt(at) != picture.areaIndexAt(at - 1)) {
            path.append(
                String.format(
                    Locale.ROOT, "M%d %dv%d", GRID_X + (at - slot.offset()) * CELL, slot.y(), ROW));
          }
        }
      }
      if (i > 0) {
        border(path, slots.get(i - 1), slot);
      }
    }
    line("<path class=\"edge\" d=\"%s\"/>", path);
  }

  private void border(StringBuilder path, Slot above, Slot below) {
    int from = -1;
    for (int i = 0; i <= ROW_BYTES; i++) {
      boolean differs =
          i < ROW_BYTES
              && (above.isBand()
                  || below.isBand()
                  || picture.areaIndexAt(above.end() - ROW_BYTES + i)
                      != picture.areaIndexAt(below.offset() + i));
      if (differs && from < 0) {
        from = i;
      } else if (!differs && from >= 0) {
        path.append(
            String.format(
                Locale.ROOT, "M%d %dh%d", GRID_X + from * CELL, below.y(), (i - from) * CELL));
        from = -1;
      }
    }
  }

  private void marks() {
    for (Area area : picture.areas()) {
      if (area.look() == Look.MARK) {
        line("<path class=\"mark-edge\" d=\"%s\"/>", outline(area));
      }
    }
  }

  private void offsetOf(Slot slot) {
    String digits = String.format(Locale.ROOT, "%03x", slot.offset());
    text(MARGIN, slot.y() + slot.height() / 2 + 4, "mono muted", digits);
  }

  private void bandText(Slot slot) {
    Area area = picture.areaAt(slot.offset());
    String name = area.look() == Look.FREE ? "free" : area.shortName();
    String text =
        String.format(
            Locale.ROOT,
            "0x%03x–0x%03x   %s   %s",
            slot.offset(),
            slot.end() - 1,
            fit(name, 180, 11, true),
            Area.size(slot.end() - slot.offset()));
    int middle = GRID_X + ROW_BYTES * CELL / 2;
    int y = slot.y() + BAND / 2;
    double half = textWidth(text, 11, false) / 2 + 14;
    if (area.look() == Look.FREE) {
      line(
          "<path class=\"lead\" stroke-dasharray=\"2 4\" d=\"M%d %dH%d M%d %dH%d\"/>",
          GRID_X + 12, y, (int) (middle - half), (int) (middle + half), y, GRID_END - 12);
    }
    line(
        "<text class=\"mono%s\" x=\"%d\" y=\"%d\" text-anchor=\"middle\" xml:space=\"preserve\">"
            + "%s</text>",
        switch (area.look()) {
          case FREE -> " muted";
          case MIRRORED,
              NOT_IN_DUMP,
              HIDDEN_CAPABILITY,
              UNLINKED_CAPABILITY,
              QUIRK,
              OPEN_CAPABILITY ->
              " on-hatch";
          default -> "";
        },
        middle,
        y + 4,
        escape(text));
  }

  /// The short name in the first row that has room for it; where none has, the symbol.
  private void insideName(Area area) {
    if (!area.look().isNamed() || area.look() == Look.MIRRORED) {
      return;
    }
    List<Box> rows = new ArrayList<>();
    for (ByteRange run : area.runs()) {
      boxes(run).stream().filter(b -> !b.slot().isBand()).forEach(rows::add);
    }
    if (rows.isEmpty()) {
      return;
    }
    String kind = insideClass(area);
    double width = textWidth(area.shortName(), 11, true);
    Box room = rows.getFirst();
    for (Box box : rows) {
      if (box.width() >= width + 10) {
        text(box.x() + 6, box.slot().y() + 16, kind, area.shortName());
        return;
      }
      room = box.width() > room.width() ? box : room;
    }
    String cut = fit(area.shortName(), room.width() - 10, 11, true);
    if (cut.length() >= MIN_CUT_NAME) {
      text(room.x() + 6, room.slot().y() + 16, kind, cut);
    } else {
      line(
          "<text class=\"%s\" x=\"%s\" y=\"%d\" text-anchor=\"middle\">%s</text>",
          kind,
          half(2 * room.x() + room.width()),
          room.slot().y() + 16,
          escape(String.valueOf(area.symbol())));
    }
  }

  private static String insideClass(Area area) {
    return switch (area.look()) {
      case MARK -> "in on-mark";
      case HIDDEN_CAPABILITY, UNLINKED_CAPABILITY, QUIRK, OPEN_CAPABILITY -> "in on-hatch";
      default -> "in";
    };
  }

  /// The names beside the map, each at its row or below where that is taken.
  ///
  /// @return the lower edge
  private int list(StringBuilder into) {
    int y = gridY;
    for (Area area : picture.areas()) {
      if (area.look().isNamed()) {
        Slot slot = slotOf(area.first());
        int anchor = slot.y() + slot.height() / 2;
        int middle = Math.max(anchor, y + LIST_ROW / 2);
        entry(into, area, anchor, middle);
        y = middle + LIST_ROW / 2;
      }
    }
    return y;
  }

  private void entry(StringBuilder into, Area area, int anchor, int middle) {
    append(
        into,
        "<path class=\"lead\" d=\"M%d %dh6L%d %dh6\"/>",
        GRID_END + 3,
        anchor,
        LIST_X - 9,
        middle);
    swatch(into, area, LIST_X, middle);
    String start =
        area.look() == Look.HEADER ? "000" : String.format(Locale.ROOT, "%03x", area.start());
    append(into, "<g><title>%s</title>", escape(area.description()));
    append(
        into,
        "<text class=\"mono muted\" x=\"%d\" y=\"%d\">%s</text>",
        LIST_X + 26,
        middle + 4,
        start);
    int room = WIDTH - MARGIN - NAME_X;
    String name = fit(area.look() == Look.MIRRORED ? "mirror" : area.shortName(), room, 12, true);
    String more = fit(more(area), room - textWidth(name, 12, true) - GAP, 12, false);
    append(
        into,
        "<text x=\"%d\" y=\"%d\"><tspan%s>%s</tspan>%s</text>",
        NAME_X,
        middle + 4,
        area.look() == Look.QUIRK ? "" : " class=\"bold\"",
        escape(name),
        more.length() < MIN_CUT_NAME
            ? ""
            : "<tspan class=\"muted\" dx=\"" + GAP + "\">" + escape(more) + "</tspan>");
    append(into, "</g>");
  }

  /// What stands behind the short name: the rest of the long one, and what is special.
  private static String more(Area area) {
    String acronym = " (" + area.shortName() + ")";
    String name = area.name();
    String rest =
        name.equals(area.shortName())
            ? ""
            : name.endsWith(acronym) ? name.substring(0, name.length() - acronym.length()) : name;
    return switch (area.look()) {
      case OPEN_CAPABILITY -> rest.isEmpty() ? "or longer" : "or longer; " + rest;
      case HIDDEN_CAPABILITY -> rest.isEmpty() ? "hidden" : "hidden; " + rest;
      case UNLINKED_CAPABILITY -> rest.isEmpty() ? "in no list" : "in no list; " + rest;
      case QUIRK -> "";
      case MIRRORED -> "of lower bytes";
      case MARK -> Area.size(area.bytes());
      default -> rest;
    };
  }

  private void swatch(StringBuilder into, Area area, int x, int middle) {
    box(into, area, x, middle - 8);
    if (area.look() != Look.HEADER && area.look() != Look.MIRRORED) {
      append(
          into,
          "<text class=\"%s\" x=\"%s\" y=\"%d\" text-anchor=\"middle\">%c</text>",
          insideClass(area),
          half(2 * x + 19),
          middle + 4,
          area.symbol());
    }
  }

  private static void box(StringBuilder into, Area area, int x, int y) {
    String rect = "<rect %s x=\"%d\" y=\"%d\" width=\"19\" height=\"15\" rx=\"3\"/>";
    append(into, rect, fill(area), x, y);
    if (area.look() == Look.OPEN_CAPABILITY) {
      append(into, rect, OPEN_FILL, x, y);
    } else if (area.look() == Look.FREE) {
      append(into, rect, "class=\"rim\"", x, y);
    }
  }

  /// What the fills mean that are not named beside the map.
  ///
  /// @return the lower edge
  private int legend(StringBuilder into, int top) {
    int x = MARGIN;
    int y = top;
    for (Look look : picture.looks()) {
      String meaning = look.meaning();
      if (meaning.isEmpty()) {
        continue;
      }
      int width = 26 + (int) Math.ceil(textWidth(meaning, 12, false)) + 18;
      if (x + width > WIDTH - MARGIN) {
        x = MARGIN;
        y += LIST_ROW;
      }
      Area sample =
          picture.areas().stream().filter(a -> a.look() == look).findFirst().orElseThrow();
      box(into, sample, x, y - 12);
      append(into, "<text class=\"muted\" x=\"%d\" y=\"%d\">%s</text>", x + 26, y, meaning);
      x += width;
    }
    return y;
  }

  private Slot slotOf(int offset) {
    for (Slot slot : slots) {
      if (offset < slot.end()) {
        return slot;
      }
    }
    return slots.getLast();
  }

  private void text(int x, int y, String kind, String text) {
    if (!text.isEmpty()) {
      line("<text class=\"%s\" x=\"%d\" y=\"%d\">%s</text>", kind, x, y, escape(text));
    }
  }

  @SuppressWarnings("AnnotateFormatMethod") // likewise
  private void line(String format, Object... values) {
    append(out, format, values);
  }

  @SuppressWarnings("AnnotateFormatMethod") // that annotation is not worth a dependency
  private static void append(StringBuilder into, String format, Object... values) {
    into.append(String.format(Locale.ROOT, format, values)).append('\n');
  }

  private static String half(int doubled) {
    return doubled % 2 == 0 ? String.valueOf(doubled / 2) : doubled / 2 + ".5";
  }

  /// The text, or as much of it as fits, with an ellipsis.
  private static String fit(String text, double room, int size, boolean bold) {
    if (textWidth(text, size, bold) <= room) {
      return text;
    }
    int end = text.length();
    while (end > 0 && textWidth(text.substring(0, end) + "…", size, bold) > room) {
      end = text.offsetByCodePoints(end, -1);
    }
    return end == 0 ? "" : text.substring(0, end).strip() + "…";
  }

  /// The text in lines that fit the drawing; the last is cut where there would be too many.
  private static List<String> wrapped(String text) {
    int room = WIDTH - 2 * MARGIN;
    List<String> lines = new ArrayList<>();
    String left = text;
    while (lines.size() < MAX_LINES - 1 && textWidth(left, 12, false) > room) {
      int end = fit(left, room, 12, false).length() - 1;
      int blank = left.lastIndexOf(' ', end);
      if (blank <= 0) {
        break;
      }
      lines.add(left.substring(0, blank));
      left = left.substring(blank + 1);
    }
    lines.add(fit(left, room, 12, false));
    return lines;
  }

  /// Pixels that a text needs at most, in any of the fonts that browsers take for it.
  private static double textWidth(String text, int size, boolean bold) {
    double em = text.codePoints().mapToDouble(SvgPicture::em).sum();
    return em * size * (bold ? 1.1 : 1);
  }

  private static double em(int c) {
    if (c > 0x24f) {
      return 1.05;
    }
    return switch (c) {
      case 'i', 'j', 'l', 'I', '.', ',', ':', ';', '\'', '|', '!', ' ' -> 0.36;
      case '(', ')', '[', ']', 'f', 't', 'r', '-', '/', '"' -> 0.45;
      case 'm', 'w', 'M', 'W', '@', '%' -> 1.0;
      default -> c >= 'A' && c <= 'Z' ? 0.74 : 0.64;
    };
  }

  private static String escape(String text) {
    StringBuilder escaped = new StringBuilder(text.length());
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      switch (c) {
        case '&' -> escaped.append("&amp;");
        case '<' -> escaped.append("&lt;");
        case '>' -> escaped.append("&gt;");
        case '"' -> escaped.append("&quot;");
        default -> escaped.append(c);
      }
    }
    return escaped.toString();
  }
}
