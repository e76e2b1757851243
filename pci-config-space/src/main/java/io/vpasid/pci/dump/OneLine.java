package io.vpasid.pci.dump;

/// Text from outside made fit for one line of output: nothing in it moves a cursor, colours a
/// terminal or reorders what stands beside it.
final class OneLine {
  private OneLine() {}

  /// The text with control and format characters, line separators and lone surrogates replaced by
  /// blanks, and without blanks around it.
  static String of(String text) {
    StringBuilder cleaned = null;
    int at = 0;
    while (at < text.length()) {
      int c = text.codePointAt(at);
      int width = Character.charCount(c);
      if (!isPlain(c)) {
        if (cleaned == null) {
          cleaned = new StringBuilder(text);
        }
        for (int i = 0; i < width; i++) {
          cleaned.setCharAt(at + i, ' ');
        }
      }
      at += width;
    }
    return cleaned == null ? text.strip() : cleaned.toString().strip();
  }

  /// The same, with no more than `bytes` bytes in UTF-8; what is longer is cut.
  static String of(String text, int bytes) {
    // One char is at most three bytes; a longer text is cut first, so that its length costs
    // nothing.
    String line = of(text.length() > 4 * bytes ? text.substring(0, 4 * bytes) : text);
    if (line.length() * 3 <= bytes) {
      return line;
    }
    int used = 0;
    int at = 0;
    while (at < line.length()) {
      int c = line.codePointAt(at);
      used += utf8Length(c);
      if (used > bytes) {
        return line.substring(0, at).strip();
      }
      at += Character.charCount(c);
    }
    return line;
  }

  /// `source:line`, or the source alone when `line` is 0.
  static String place(String source, int line) {
    return line == 0 ? of(source) : of(source) + ":" + line;
  }

  private static boolean isPlain(int codePoint) {
    if (codePoint >= 0x20 && codePoint < 0x7f) {
      return true;
    }
    return switch (Character.getType(codePoint)) {
      case Character.CONTROL,
          Character.FORMAT,
          Character.SURROGATE,
          Character.LINE_SEPARATOR,
          Character.PARAGRAPH_SEPARATOR ->
          false;
      default -> true;
    };
  }

  private static int utf8Length(int codePoint) {
    if (codePoint < 0x80) {
      return 1;
    }
    if (codePoint < 0x800) {
      return 2;
    }
    return codePoint < 0x10000 ? 3 : 4;
  }
}
