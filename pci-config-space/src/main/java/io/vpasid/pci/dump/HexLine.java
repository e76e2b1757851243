package io.vpasid.pci.dump;

import io.vpasid.pci.ConfigSpace;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/// One line of a hex dump, taken apart; the grammar is [HexText]'s. Made once for a text and read
/// line by line.
final class HexLine {
  /// Kind of a line.
  enum Kind {
    /// Blank, or a comment.
    NOTHING,
    /// A line `*`: the line before repeats.
    STAR,
    /// An offset alone: where a dump ends.
    END,
    /// An offset and bytes.
    ROW,
    /// The same, but bytes are damaged.
    BROKEN,
    /// Bytes without an offset.
    BYTES,
    /// Words of 4 or 8 digits, whose byte order is not known.
    WORDS,
    /// Text of something else.
    TEXT
  }

  /// Most marks of quotes and patches in front of a line.
  private static final int MAX_MARKS = 16;

  private static final int MAX_OFFSET_DIGITS = 16;

  /// Longer offsets all count as this one.
  private static final long FURTHEST = 1L << 52;

  /// Fewest bytes behind an offset that is not due: less could be words of prose.
  private static final int FEWEST_BYTES = 4;

  private final byte[] text;

  /// How words are read; [DumpForm#HEX] reads bytes only.
  private final DumpForm form;

  private byte[] bytes = new byte[64];
  private int count;
  private long offset;
  private int offsetDigits;
  private boolean hasColon;
  private int end;

  /// Where the group stands that could not be read, or whose order is not known.
  private int groupStart;

  private int groupEnd;

  HexLine(byte[] text, DumpForm form) {
    this.text = text;
    this.form = form;
  }

  /// Takes a line apart.
  ///
  /// @param due the offset that the next row should have, if lines have offsets at all; a damaged
  ///   line is a row rather than text where it begins with that
  /// @param registers whether words behind an offset are numbers, as OpenBSD's pcidump prints them
  /// @param withOffset whether a line may begin with an offset without a colon
  Kind read(int start, int stop, long due, boolean registers, boolean withOffset) {
    count = 0;
    offset = 0;
    hasColon = false;
    int at = skipMarks(start, stop);
    end = stop;
    while (end > at && isBlank(text[end - 1])) {
      end--;
    }
    if (at == end || text[at] == '#') {
      return Kind.NOTHING;
    }
    if (text[at] == '*' && end == at + 1) {
      return Kind.STAR;
    }
    boolean named = startsWith(at, "offset ");
    int from = named ? skipBlanks(at + "offset ".length(), end) : at;
    int digits = startsWith(from, "0x") ? from + 2 : from;
    int behind = digits;
    while (behind < end && HexDigit.is(text[behind])) {
      offset = Math.min(offset << 4 | HexDigit.value(text[behind]), FURTHEST);
      behind++;
    }
    int length = behind - digits;
    offsetDigits = length;
    if (length >= 2 && length <= MAX_OFFSET_DIGITS) {
      if (behind < end && text[behind] == ':') {
        hasColon = true;
        return behind + 1 == end || isBlank(text[behind + 1])
            ? readRow(behind + 1, due, named, registers && digits > from)
            : Kind.TEXT;
      }
      if (withOffset && offset <= ConfigSpace.EXTENDED_SIZE) {
        Kind kind = readWithoutColon(digits, behind, due);
        if (kind != Kind.TEXT) {
          return kind;
        }
      }
    }
    return readBytes(at);
  }

  int count() {
    return count;
  }

  long offset() {
    return offset;
  }

  int offsetDigits() {
    return offsetDigits;
  }

  boolean hasColon() {
    return hasColon;
  }

  /// The bytes, of which [#count()] count; valid until the next line is read.
  byte[] bytes() {
    return bytes;
  }

  /// The group that was not understood, for messages.
  String group() {
    int stop = Math.min(groupEnd, groupStart + 16);
    return "\""
        + OneLine.of(new String(text, groupStart, stop - groupStart, StandardCharsets.UTF_8))
        + "\"";
  }

  /// `> ` and `| ` of quotes, `+` of a patch.
  private int skipMarks(int start, int stop) {
    int at = skipBlanks(start, stop);
    for (int marks = 0; marks < MAX_MARKS && at < stop; marks++) {
      if (text[at] != '>' && text[at] != '|' && text[at] != '+') {
        break;
      }
      at = skipBlanks(at + 1, stop);
    }
    return at;
  }

  /// Behind an offset without a colon. In the table of CPU-Z it has two or three digits and tabs
  /// part the columns.
  private Kind readWithoutColon(int digits, int behind, long due) {
    int length = behind - digits;
    if (behind == end) {
      groupStart = digits;
      groupEnd = behind;
      return length >= 4 ? Kind.END : Kind.TEXT;
    }
    boolean table = length < 4 && text[behind] == '\t';
    if (!isBlank(text[behind]) || (length < 4 && !table)) {
      return Kind.TEXT;
    }
    Kind kind = readRow(behind, due, false, false);
    return switch (kind) {
      case ROW -> table ? count == 16 && offset == due ? Kind.ROW : Kind.TEXT : Kind.ROW;
      case BROKEN -> !table && offset == due ? Kind.BROKEN : Kind.TEXT;
      case WORDS -> Kind.WORDS;
      default -> Kind.TEXT;
    };
  }

  /// @param named whether no column of characters follows, so that blanks mean nothing
  /// @param registers whether groups of eight digits are numbers
  private Kind readRow(int from, long due, boolean named, boolean registers) {
    count = 0;
    int at = skipBlanks(from, end);
    while (at < end) {
      int next = nextGroup(at);
      int length = next - at;
      boolean hex = areDigits(at, next);
      if (!hex || length % 2 != 0) {
        boolean characters = count > 0 && (text[at] == '|' || text[at] == '>' || text[at] == '*');
        if (characters) {
          break;
        }
        return broken(at, next, due);
      }
      if (length > 2 && !readsAs(length, registers)) {
        groupStart = at;
        groupEnd = next;
        return Kind.WORDS;
      }
      add(at, next, length > 2 && (registers || form == DumpForm.WORDS));
      int blanks = skipBlanks(next, end);
      if (blanks < end && !named && beginsCharacters(next, blanks)) {
        break;
      }
      at = blanks < end && text[blanks] == '-' ? skipBlanks(blanks + 1, end) : blanks;
    }
    if (count == 0) {
      groupStart = from;
      groupEnd = from;
      return offset == due ? Kind.BROKEN : Kind.TEXT;
    }
    return count >= FEWEST_BYTES || offset == due ? Kind.ROW : Kind.TEXT;
  }

  private boolean readsAs(int length, boolean registers) {
    return switch (form) {
      case WORDS, GROUPS -> length <= 8;
      // xxd prints two bytes together, in their order.
      default -> registers ? length == 8 : hasColon && length == 4;
    };
  }

  /// True if the column of characters begins at `at`, behind the group that ends at `group`. It has
  /// as many characters as the line has bytes.
  private boolean beginsCharacters(int group, int at) {
    int blanks = at - group;
    if (blanks >= 3) {
      return true;
    }
    return hasColon && blanks == 2 && end - at <= 2 * count;
  }

  private Kind broken(int at, int next, long due) {
    groupStart = at;
    groupEnd = next;
    return count > 0 || offset == due ? Kind.BROKEN : Kind.TEXT;
  }

  /// Bytes without an offset: two digits each, with or without `0x` and `,`, or one run of digits.
  private Kind readBytes(int begin) {
    count = 0;
    int at = begin;
    while (at < end) {
      int from = startsWith(at, "0x") ? at + 2 : at;
      int next = from;
      while (next < end && HexDigit.is(text[next])) {
        next++;
      }
      int length = next - from;
      if (length == 0
          || length % 2 != 0
          || (next < end && !isBlank(text[next]) && text[next] != ',')) {
        return Kind.TEXT;
      }
      boolean run = from == begin && next == end;
      if (length > 2 && !run) {
        if (length != 4 && length != 8) {
          return Kind.TEXT;
        }
        if (form != DumpForm.WORDS && form != DumpForm.GROUPS) {
          groupStart = from;
          groupEnd = next;
          return Kind.WORDS;
        }
      }
      add(from, next, length > 2 && form == DumpForm.WORDS);
      at = skipBlanks(next, end);
      if (at < end && text[at] == ',') {
        at = skipBlanks(at + 1, end);
      }
    }
    return Kind.BYTES;
  }

  /// Adds the bytes of a group; of a number the last one first.
  private void add(int from, int to, boolean number) {
    int length = (to - from) / 2;
    // One byte more than a configuration space is enough to tell that there are too many.
    int room = Math.min(length, ConfigSpace.EXTENDED_SIZE + 1 - count);
    if (count + room > bytes.length) {
      bytes = Arrays.copyOf(bytes, Math.max(2 * bytes.length, count + room));
    }
    for (int i = 0; i < room; i++) {
      int at = number ? to - 2 - 2 * i : from + 2 * i;
      bytes[count++] = (byte) HexDigit.pair(text[at], text[at + 1]);
    }
  }

  private int nextGroup(int from) {
    int at = from;
    while (at < end && !isBlank(text[at]) && text[at] != '-') {
      at++;
    }
    return at;
  }

  private boolean areDigits(int from, int to) {
    for (int at = from; at < to; at++) {
      if (!HexDigit.is(text[at])) {
        return false;
      }
    }
    return from < to;
  }

  private boolean startsWith(int at, String word) {
    if (at + word.length() > end) {
      return false;
    }
    for (int i = 0; i < word.length(); i++) {
      if (Character.toLowerCase((char) (text[at + i] & 0x7f)) != word.charAt(i)) {
        return false;
      }
    }
    return true;
  }

  private int skipBlanks(int from, int to) {
    int at = from;
    while (at < to && isBlank(text[at])) {
      at++;
    }
    return at;
  }

  static boolean isBlank(byte b) {
    return b == ' ' || b == '\t';
  }
}
