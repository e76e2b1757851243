package io.vpasid.guest.report;

import io.vpasid.guest.report.SvgRows.Box;
import io.vpasid.guest.report.SvgRows.Slot;
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
  static final int WIDTH = 960;
  static final int MARGIN = 18;

  /// Distance between two lines of details.
  private static final int LINE = 18;

  /// Most lines of one detail.
  private static final int MAX_LINES = 2;

  /// Fewest characters of a cut name that say more than a symbol.
  static final int MIN_CUT_NAME = 6;

  private final OccupancyPicture picture;
  private final StringBuilder out = new StringBuilder(16_384);
  private final SvgRows rows;
  private final List<String> details;
  private final int gridY;

  SvgPicture(OccupancyPicture picture) {
    this.picture = picture;
    details =
        picture.details().stream()
            .flatMap(d -> SvgText.wrapped(d, WIDTH - 2 * MARGIN, MAX_LINES).stream())
            .toList();
    gridY = 70 + LINE * details.size();
    rows = new SvgRows(picture, gridY);
  }

  /// The surroundings of the picture.
  sealed interface Frame {
    /// A file of its own.
    record Document() implements Frame {}

    /// A page with [SvgStyle#ofPage] and, once, [SvgStyle#shapesOfPage].
    ///
    /// @param id of the picture, unique in the page
    record InPage(String id) implements Frame {}
  }

  String draw(Frame frame) {
    int gridBottom = rows.bottom();
    StringBuilder list = new StringBuilder();
    SvgNames names = new SvgNames(picture, rows);
    int listBottom = names.list(list);
    int legendY = Math.max(gridBottom, listBottom) + 30;
    StringBuilder legend = new StringBuilder();
    int height = names.legend(legend, legendY) + 16;
    open(height, frame);
    ruler(gridBottom);
    picture.areas().forEach(this::area);
    edges();
    marks();
    rows.all().forEach(this::offsetOf);
    rows.all().stream().filter(Slot::isBand).forEach(this::bandText);
    picture.areas().forEach(this::insideName);
    out.append(list).append(legend).append("</svg>\n");
    return out.toString();
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
    line("<title id=\"%s-title\">%s</title>", id, SvgText.escape(title));
    line("<desc id=\"%s-text\">%s</desc>", id, SvgText.escape(description()));
    if (frame instanceof Frame.Document) {
      out.append("<style>\n").append(SvgStyle.STYLE).append("</style>\n");
      SvgStyle.shapes(out);
    }
    line(
        "<rect class=\"card\" x=\"0.5\" y=\"0.5\" width=\"%d\" height=\"%d\" rx=\"10\"/>",
        WIDTH - 1, height - 1);
    text(MARGIN, 32, "title", SvgText.fit(title, WIDTH - 2 * MARGIN, 16, true));
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

  private void ruler(int gridBottom) {
    for (int at = 0; at < SvgRows.ROW_BYTES; at += 4) {
      text(
          SvgRows.GRID_X + at * SvgRows.CELL + 1,
          gridY - 7,
          "mono muted",
          "+" + Integer.toHexString(at));
    }
    line(
        "<rect class=\"free\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\"/>",
        SvgRows.GRID_X, gridY, SvgRows.ROW_BYTES * SvgRows.CELL, gridBottom - gridY);
    StringBuilder ticks = new StringBuilder();
    for (Slot slot : rows.all()) {
      if (!slot.isBand()) {
        for (int at = 4; at < SvgRows.ROW_BYTES; at += 4) {
          int x = SvgRows.GRID_X + at * SvgRows.CELL;
          draw(ticks, "M%d %dv%d", x, slot.y(), SvgRows.ROW);
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
        SvgText.escape(area.description()),
        SvgStyle.fill(area),
        outline,
        area.look() == Look.OPEN_CAPABILITY
            ? "<path " + SvgStyle.OPEN_FILL + " d=\"" + outline + "\"/>"
            : "");
  }

  private String outline(Area area) {
    StringBuilder path = new StringBuilder();
    for (ByteRange run : area.runs()) {
      for (Box box : rows.boxes(run)) {
        Slot slot = box.slot();
        int width = box.width();
        draw(path, "M%d %dh%dv%dh-%dz", box.x(), slot.y(), width, slot.height(), width);
      }
    }
    return path.toString();
  }

  /// Lines of the ground's colour between neighbours, and around bands.
  private void edges() {
    StringBuilder path = new StringBuilder();
    List<Slot> slots = rows.all();
    for (int i = 0; i < slots.size(); i++) {
      Slot slot = slots.get(i);
      if (!slot.isBand()) {
        for (int at = slot.offset() + 1; at < slot.end(); at++) {
          if (picture.areaIndexAt(at) != picture.areaIndexAt(at - 1)) {
            int x = SvgRows.GRID_X + (at - slot.offset()) * SvgRows.CELL;
            draw(path, "M%d %dv%d", x, slot.y(), SvgRows.ROW);
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
    for (int i = 0; i <= SvgRows.ROW_BYTES; i++) {
      boolean differs =
          i < SvgRows.ROW_BYTES
              && (above.isBand()
                  || below.isBand()
                  || picture.areaIndexAt(above.end() - SvgRows.ROW_BYTES + i)
                      != picture.areaIndexAt(below.offset() + i));
      if (differs && from < 0) {
        from = i;
      } else if (!differs && from >= 0) {
        int x = SvgRows.GRID_X + from * SvgRows.CELL;
        draw(path, "M%d %dh%d", x, below.y(), (i - from) * SvgRows.CELL);
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
            SvgText.fit(name, 180, 11, true),
            Area.size(slot.end() - slot.offset()));
    int middle = SvgRows.GRID_X + SvgRows.ROW_BYTES * SvgRows.CELL / 2;
    int y = slot.y() + SvgRows.BAND / 2;
    double half = SvgText.width(text, 11, false) / 2 + 14;
    if (area.look() == Look.FREE) {
      line(
          "<path class=\"lead\" stroke-dasharray=\"2 4\" d=\"M%d %dH%d M%d %dH%d\"/>",
          SvgRows.GRID_X + 12,
          y,
          (int) (middle - half),
          (int) (middle + half),
          y,
          SvgRows.GRID_END - 12);
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
        SvgText.escape(text));
  }

  /// The short name in the first row that has room for it; where none has, the symbol.
  private void insideName(Area area) {
    if (!area.look().isNamed() || area.look() == Look.MIRRORED) {
      return;
    }
    List<Box> boxes = new ArrayList<>();
    for (ByteRange run : area.runs()) {
      rows.boxes(run).stream().filter(b -> !b.slot().isBand()).forEach(boxes::add);
    }
    if (boxes.isEmpty()) {
      return;
    }
    String kind = SvgStyle.insideClass(area);
    double width = SvgText.width(area.shortName(), 11, true);
    Box room = boxes.getFirst();
    for (Box box : boxes) {
      if (box.width() >= width + 10) {
        text(box.x() + 6, box.slot().y() + 16, kind, area.shortName());
        return;
      }
      room = box.width() > room.width() ? box : room;
    }
    String cut = SvgText.fit(area.shortName(), room.width() - 10, 11, true);
    if (cut.length() >= MIN_CUT_NAME) {
      text(room.x() + 6, room.slot().y() + 16, kind, cut);
    } else {
      line(
          "<text class=\"%s\" x=\"%s\" y=\"%d\" text-anchor=\"middle\">%s</text>",
          kind,
          SvgNames.half(2 * room.x() + room.width()),
          room.slot().y() + 16,
          SvgText.escape(String.valueOf(area.symbol())));
    }
  }

  private void text(int x, int y, String kind, String text) {
    if (!text.isEmpty()) {
      line("<text class=\"%s\" x=\"%d\" y=\"%d\">%s</text>", kind, x, y, SvgText.escape(text));
    }
  }

  /// Goes on with a path.
  @SuppressWarnings("AnnotateFormatMethod") // as in SvgStyle
  private static void draw(StringBuilder path, String format, Object... values) {
    path.append(String.format(Locale.ROOT, format, values));
  }

  @SuppressWarnings("AnnotateFormatMethod") // likewise
  private void line(String format, Object... values) {
    SvgStyle.append(out, format, values);
  }
}
