package io.vpasid.pci.dump;

import java.util.Arrays;

/// Takes the encoding off that mails have: `=0A`, `=3D`, and `=` at the end of a line that goes on.
///
/// A text counts as encoded only if every `=` in it is the end of a line or in front of two hex
/// digits without lower case, if there are eight of them at least, and if one of them is such an
/// end or stands for a line end, a blank or a `=`. What `lspci -v` prints (`[size=16K]`) or what a
/// column of characters shows does not come to that. Lines as long as a row of `lspci` that begin
/// like one are not looked at: most dumps are made of them.
final class QuotedPrintable {
  private static final int FEWEST_SIGNS = 8;

  /// Length of a row of `lspci` behind its offset: a colon, and a blank and two digits 16 times.
  private static final int BEHIND_OFFSET = 1 + 3 * LspciParser.ROW_BYTES;

  private QuotedPrintable() {}

  /// A decoded text.
  ///
  /// @param bytes the text
  /// @param lines for each of its lines, from 1, the line of the encoded text that it begins in
  // The arrays are components on purpose: they are read once and never compared.
  @SuppressWarnings("ArrayRecordComponent")
  record Decoded(byte[] bytes, int[] lines) {
    int encodedLine(int line) {
      return line == 0 ? 0 : lines[Math.min(line, lines.length - 1)];
    }
  }

  /// True if the text is encoded.
  static boolean is(byte[] text) {
    int signs = 0;
    boolean typical = false;
    for (int at = 0; at < text.length; at++) {
      if (text[at] == '\n') {
        at = endOfRows(text, at);
      } else if (text[at] == '=') {
        boolean soft = softEnd(text, at) > 0;
        int value = value(text, at);
        if (!soft && value < 0) {
          return false;
        }
        signs++;
        typical |= soft || value == '\n' || value == ' ' || value == '=';
      }
    }
    return typical && signs >= FEWEST_SIGNS;
  }

  /// The end of the last row that follows a line end; that line end if none follows.
  private static int endOfRows(byte[] text, int lineEnd) {
    int end = lineEnd;
    while (true) {
      if (isRow(text, end, 2)) {
        end += 1 + 2 + BEHIND_OFFSET;
      } else if (isRow(text, end, 3)) {
        end += 1 + 3 + BEHIND_OFFSET;
      } else {
        return end;
      }
    }
  }

  private static boolean isRow(byte[] text, int lineEnd, int digits) {
    int colon = lineEnd + 1 + digits;
    int end = colon + BEHIND_OFFSET;
    return end < text.length && text[colon] == ':' && text[colon + 1] == ' ' && text[end] == '\n';
  }

  /// Decodes a text for which [#is] holds.
  static Decoded decode(byte[] text) {
    byte[] bytes = new byte[text.length];
    int[] lines = new int[64];
    int decoded = 0;
    int encoded = 1;
    boolean begins = true;
    int count = 0;
    int at = 0;
    while (at < text.length) {
      int end = text[at] == '=' ? softEnd(text, at) : 0;
      if (end > 0) {
        encoded++;
        at = end;
        continue;
      }
      if (begins) {
        decoded++;
        if (decoded == lines.length) {
          lines = Arrays.copyOf(lines, 2 * decoded);
        }
        lines[decoded] = encoded;
      }
      byte b = text[at];
      if (b == '=') {
        b = (byte) value(text, at);
        at += 3;
      } else {
        encoded += b == '\n' ? 1 : 0;
        at++;
      }
      bytes[count++] = b;
      begins = b == '\n';
    }
    return new Decoded(Arrays.copyOf(bytes, count), Arrays.copyOf(lines, decoded + 1));
  }

  /// Where the next line begins if the `=` at `at` ends one, otherwise 0. Blanks may follow it.
  private static int softEnd(byte[] text, int at) {
    int end = at + 1;
    while (end < text.length && (text[end] == ' ' || text[end] == '\t' || text[end] == '\r')) {
      end++;
    }
    if (end == text.length) {
      return end;
    }
    return text[end] == '\n' ? end + 1 : 0;
  }

  /// The byte that `=XX` stands for, or -1.
  private static int value(byte[] text, int at) {
    if (at + 2 >= text.length || isLower(text[at + 1]) || isLower(text[at + 2])) {
      return -1;
    }
    return Math.max(-1, HexDigit.pair(text[at + 1], text[at + 2]));
  }

  private static boolean isLower(byte b) {
    return b >= 'a';
  }
}
