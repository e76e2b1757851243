package io.vpasid.guest.report;

import java.util.ArrayList;
import java.util.List;

/// Text in a drawing: the room that it takes in any of the fonts that browsers choose, and its
/// markup.
final class SvgText {
  private SvgText() {}

  /// The text, or as much of it as fits, with an ellipsis.
  static String fit(String text, double room, int size, boolean bold) {
    if (width(text, size, bold) <= room) {
      return text;
    }
    int end = text.length();
    while (end > 0 && width(text.substring(0, end) + "…", size, bold) > room) {
      end = text.offsetByCodePoints(end, -1);
    }
    return end == 0 ? "" : text.substring(0, end).strip() + "…";
  }

  /// The text in lines of 12 pixels that fit; the last is cut where there would be too many.
  static List<String> wrapped(String text, int room, int most) {
    List<String> lines = new ArrayList<>();
    String left = text;
    while (lines.size() < most - 1 && width(left, 12, false) > room) {
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
  static double width(String text, int size, boolean bold) {
    double em = text.codePoints().mapToDouble(SvgText::em).sum();
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

  static String escape(String text) {
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
