package io.vpasid.guest.report;

import java.util.Locale;

/// How a [picture][SvgPicture] looks: its style sheet, the fills that are no plain colours, and
/// which of them an area has.
final class SvgStyle {
  /// Number of fills for capabilities in the style sheet.
  private static final int SHADES = 6;

  /// Lies over the fill of a capability that may be longer.
  static final String OPEN_FILL = "fill=\"url(#map-open)\"";

  static final String STYLE =
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

  private SvgStyle() {}

  /// The style of pictures in a page, which concerns nothing else there.
  static String ofPage() {
    return "svg.map{\n" + STYLE + "}\n";
  }

  /// The fills to which all pictures of a page refer.
  static String shapesOfPage() {
    StringBuilder shapes = new StringBuilder("<svg class=\"map shapes\" aria-hidden=\"true\">");
    shapes(shapes);
    return shapes.append("</svg>\n").toString();
  }

  /// The fills that are no plain colours.
  static void shapes(StringBuilder into) {
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

  static String fill(Area area) {
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

  static String insideClass(Area area) {
    return switch (area.look()) {
      case MARK -> "in on-mark";
      case HIDDEN_CAPABILITY, UNLINKED_CAPABILITY, QUIRK, OPEN_CAPABILITY -> "in on-hatch";
      default -> "in";
    };
  }

  /// Adds a line.
  @SuppressWarnings("AnnotateFormatMethod") // that annotation is not worth a dependency
  static void append(StringBuilder into, String format, Object... values) {
    into.append(String.format(Locale.ROOT, format, values)).append('\n');
  }
}
