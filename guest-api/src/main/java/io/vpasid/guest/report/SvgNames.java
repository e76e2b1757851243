package io.vpasid.guest.report;

import io.vpasid.guest.report.SvgRows.Slot;
import java.util.Locale;

/// The names beside the map of a [picture][SvgPicture], and the legend below it.
final class SvgNames {
  private static final int LIST_X = SvgRows.GRID_END + 30;
  private static final int LIST_ROW = 20;
  private static final int NAME_X = LIST_X + 26 + 30;

  /// Pixels between a name and what follows it.
  private static final int GAP = 8;

  private final OccupancyPicture picture;
  private final SvgRows rows;

  SvgNames(OccupancyPicture picture, SvgRows rows) {
    this.picture = picture;
    this.rows = rows;
  }

  /// The names beside the map, each at its row or below where that is taken.
  ///
  /// @return the lower edge
  int list(StringBuilder into) {
    int y = rows.all().getFirst().y();
    for (Area area : picture.areas()) {
      if (area.look().isNamed()) {
        Slot slot = rows.of(area.first());
        int anchor = slot.y() + slot.height() / 2;
        int middle = Math.max(anchor, y + LIST_ROW / 2);
        entry(into, area, anchor, middle);
        y = middle + LIST_ROW / 2;
      }
    }
    return y;
  }

  private void entry(StringBuilder into, Area area, int anchor, int middle) {
    SvgStyle.append(
        into,
        "<path class=\"lead\" d=\"M%d %dh6L%d %dh6\"/>",
        SvgRows.GRID_END + 3,
        anchor,
        LIST_X - 9,
        middle);
    swatch(into, area, middle);
    String start =
        area.look() == Look.HEADER ? "000" : String.format(Locale.ROOT, "%03x", area.start());
    SvgStyle.append(into, "<g><title>%s</title>", SvgText.escape(area.description()));
    SvgStyle.append(
        into,
        "<text class=\"mono muted\" x=\"%d\" y=\"%d\">%s</text>",
        LIST_X + 26,
        middle + 4,
        start);
    int room = SvgPicture.WIDTH - SvgPicture.MARGIN - NAME_X;
    String name =
        SvgText.fit(area.look() == Look.MIRRORED ? "mirror" : area.shortName(), room, 12, true);
    String more = SvgText.fit(more(area), room - SvgText.width(name, 12, true) - GAP, 12, false);
    SvgStyle.append(
        into,
        "<text x=\"%d\" y=\"%d\"><tspan%s>%s</tspan>%s</text>",
        NAME_X,
        middle + 4,
        area.look() == Look.QUIRK ? "" : " class=\"bold\"",
        SvgText.escape(name),
        more.length() < SvgPicture.MIN_CUT_NAME
            ? ""
            : "<tspan class=\"muted\" dx=\"" + GAP + "\">" + SvgText.escape(more) + "</tspan>");
    SvgStyle.append(into, "</g>");
  }

  /// The text behind the short name: the rest of the long one, and what is special.
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

  private static void swatch(StringBuilder into, Area area, int middle) {
    box(into, area, LIST_X, middle - 8);
    if (area.look() != Look.HEADER && area.look() != Look.MIRRORED) {
      SvgStyle.append(
          into,
          "<text class=\"%s\" x=\"%s\" y=\"%d\" text-anchor=\"middle\">%c</text>",
          SvgStyle.insideClass(area),
          half(2 * LIST_X + 19),
          middle + 4,
          area.symbol());
    }
  }

  private static void box(StringBuilder into, Area area, int x, int y) {
    String rect = "<rect %s x=\"%d\" y=\"%d\" width=\"19\" height=\"15\" rx=\"3\"/>";
    SvgStyle.append(into, rect, SvgStyle.fill(area), x, y);
    if (area.look() == Look.OPEN_CAPABILITY) {
      SvgStyle.append(into, rect, SvgStyle.OPEN_FILL, x, y);
    } else if (area.look() == Look.FREE) {
      SvgStyle.append(into, rect, "class=\"rim\"", x, y);
    }
  }

  /// The meaning of the fills that are not named beside the map.
  ///
  /// @return the lower edge
  int legend(StringBuilder into, int top) {
    int x = SvgPicture.MARGIN;
    int y = top;
    for (Look look : picture.looks()) {
      String meaning = look.meaning();
      if (meaning.isEmpty()) {
        continue;
      }
      int width = 26 + (int) Math.ceil(SvgText.width(meaning, 12, false)) + 18;
      if (x + width > SvgPicture.WIDTH - SvgPicture.MARGIN) {
        x = SvgPicture.MARGIN;
        y += LIST_ROW;
      }
      box(into, picture.sample(look), x, y - 12);
      SvgStyle.append(
          into, "<text class=\"muted\" x=\"%d\" y=\"%d\">%s</text>", x + 26, y, meaning);
      x += width;
    }
    return y;
  }

  /// Half of a number of pixels.
  static String half(int doubled) {
    return doubled % 2 == 0 ? String.valueOf(doubled / 2) : doubled / 2 + ".5";
  }
}
