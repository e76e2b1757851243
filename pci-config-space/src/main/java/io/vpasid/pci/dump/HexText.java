package io.vpasid.pci.dump;

import io.vpasid.pci.ConfigSpace;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;

/// Reads one configuration space, 256 or 4096 bytes, from a hex dump without a function line.
///
/// | made by | a line |
/// |---|---|
/// | `hexdump -C` | `00000000  86 80 25 0b 46 01 10 00  00 00 80 08 ...  \|..%.F...\|` |
/// | `od -A x -t x1` | `000000 86 80 25 0b ...` |
/// | `xxd`, `xxd -g 1` | `00000000: 8680 250b 4601 ...  ..%.F...` |
/// | EDK2's shell | `00000000: 86 80 25 0B 46 01 10 00-00 00 80 08 ...  *..%.F...*` |
/// | `lspci`, rows alone | `00: 86 80 25 0b ...` |
/// | `xxd -p` | `8680250b46011000...` |
/// | bare bytes | `86 80 25 0b`, `0x86, 0x80, 0x25, 0x0b` |
///
/// Lines may have any number of bytes. Where they begin with an offset, it must be the number of
/// bytes before; a last line may be an offset alone; a line `*` repeats the line before it up to
/// the next offset, as `hexdump` and `od` write it. Blank lines and lines that begin with `#` are
/// skipped. Behind an offset with a colon, two blanks begin the column of characters, which is
/// skipped. Words of 4 and 8 digits are refused where their byte order is not known (`hexdump`
/// without -C, `od -x`, `xxd -e`).
///
/// The address is found as for [RawBytes].
public final class HexText {
  private static final int MAX_REPORTED = 16;

  private final DumpFile file;
  private final byte[] text;
  private final byte[] config = new byte[ConfigSpace.EXTENDED_SIZE];
  private int filled;
  private int line;

  /// Where the bytes of the last line begin, and how many they are.
  private int rowStart;

  private int rowLength;

  /// Whether a `*` waits for the next offset.
  private boolean repeating;

  private Layout layout = Layout.UNKNOWN;

  private enum Layout {
    UNKNOWN,
    OFFSETS,
    BYTES_ONLY
  }

  private HexText(DumpFile file) {
    this.file = file;
    this.text = file.bytes();
  }

  /// Reads a file.
  ///
  /// @throws DumpException if it cannot be read, is no such text, or has another number of bytes
  public static HostFunction read(Path path) {
    return parse(DumpFile.read(path).asText());
  }

  /// Reads a text.
  ///
  /// @param name what messages call it
  /// @throws DumpException if it is no such text, or has another number of bytes
  public static HostFunction parse(String name, String content) {
    return parse(DumpFile.of(name, content.getBytes(StandardCharsets.UTF_8)).asText());
  }

  static HostFunction parse(DumpFile file) {
    return new HexText(file).read();
  }

  private HostFunction read() {
    int at = 0;
    while (at < text.length) {
      line++;
      int end = at;
      while (end < text.length && text[end] != '\n' && text[end] != '\r') {
        end++;
      }
      readLine(at, end);
      at = end + 1;
      if (at < text.length && text[end] == '\r' && text[at] == '\n') {
        at++;
      }
    }
    if (repeating) {
      throw damaged("the dump ends with \"*\", behind which an offset is needed");
    }
    if (filled == 0) {
      throw new DumpException(file.name(), 0, "has no bytes in it: " + DumpFile.CAPTURE);
    }
    if (DumpFile.isHeaderOnly(filled)) {
      throw damaged(
          "there are only "
              + filled
              + " bytes, which is what Linux shows without privileges: dump sysfs's config file as"
              + " root");
    }
    if (filled != ConfigSpace.STANDARD_SIZE && filled != ConfigSpace.EXTENDED_SIZE) {
      throw damaged(
          "the dump ends here with "
              + filled
              + (filled == 1 ? " byte" : " bytes")
              + ", a configuration space has 256 or 4096: it is cut off or of something else");
    }
    return RawBytes.function(file, ConfigSpace.of(Arrays.copyOf(config, filled)));
  }

  private void readLine(int start, int stop) {
    int end = stop;
    int begin = skipBlanks(start, end);
    while (end > begin && isBlank(text[end - 1])) {
      end--;
    }
    if (begin == end || text[begin] == '#') {
      return;
    }
    if (text[begin] == '*' && end == begin + 1) {
      if (layout != Layout.OFFSETS || rowLength == 0) {
        throw damaged("\"*\" repeats a line, but none with an offset comes before it");
      }
      repeating = true;
      return;
    }
    int digits = hexDigits(begin, end);
    int behind = begin + digits;
    if (layout == Layout.UNKNOWN && digits > 0) {
      checkFirst(digits, behind, end);
    }
    if (behind < end && text[behind] == ':' && digits > 0) {
      readOffset(begin, digits);
      readColumns(behind + 1, end);
      return;
    }
    boolean alone = behind == end;
    boolean offset =
        switch (layout) {
          case UNKNOWN -> digits >= 4 && behind < end && isBlank(text[behind]);
          case OFFSETS -> true;
          case BYTES_ONLY -> false;
        };
    if (offset && digits > 0 && (alone || isBlank(text[behind]))) {
      readOffset(begin, digits);
      readSpaced(behind, end);
    } else if (alone && digits > 2 && layout != Layout.OFFSETS) {
      layout = Layout.BYTES_ONLY;
      startRow();
      readGroup(begin, end);
    } else {
      if (layout == Layout.OFFSETS) {
        throw damaged(quoted(begin, end) + " stands where an offset is needed");
      }
      readBytes(begin, end);
    }
  }

  /// Tells text from hex, and words from bytes, before the first line is taken for anything.
  private void checkFirst(int digits, int behind, int end) {
    boolean colon = behind < end && text[behind] == ':';
    if (!colon && (behind == end || !isBlank(text[behind]))) {
      return;
    }
    int second = skipBlanks(colon ? behind + 1 : behind, end);
    int secondEnd = groupEnd(second, end);
    boolean hex = second < secondEnd && allDigits(second, secondEnd);
    if (!hex) {
      throw noDump();
    }
    if (!colon && digits >= 4 && secondEnd - second >= 4) {
      throw unknownOrder(second, secondEnd);
    }
  }

  private void readOffset(int begin, int digits) {
    if (layout == Layout.BYTES_ONLY) {
      throw damaged("an offset, but the lines before have none");
    }
    long offset = 0;
    for (int i = begin; i < begin + digits; i++) {
      offset = Math.min(offset << 4 | HexDigit.value(text[i]), Integer.MAX_VALUE);
    }
    if (offset > config.length) {
      throw damaged(
          String.format(
              Locale.ROOT,
              "offset 0x%x lies behind a configuration space, which has 256 or 4096 bytes",
              offset));
    }
    if (repeating) {
      while (filled < offset) {
        config[filled] = config[filled - rowLength];
        filled++;
      }
      repeating = false;
    }
    if (offset != filled) {
      throw damaged(
          String.format(
              Locale.ROOT,
              "offset 0x%x where 0x%x is due: lines are missing, out of order or cut, or the"
                  + " offsets are not in hex (od needs -A x)",
              offset,
              filled));
    }
    startRow();
  }

  /// Behind an offset and a colon: groups with one blank or `-` between, up to two blanks in a row.
  private void readColumns(int from, int end) {
    int at = skipBlanks(from, end);
    while (at < end) {
      int next = groupEnd(at, end);
      readWord(at, next);
      if (next + 1 < end && isBlank(text[next]) && isBlank(text[next + 1])) {
        break;
      }
      at = next < end ? next + 1 : next;
    }
    layout = Layout.OFFSETS;
  }

  /// Behind an offset without a colon: bytes, up to a column of characters in `|` or `>`.
  private void readSpaced(int from, int end) {
    int at = skipBlanks(from, end);
    while (at < end && text[at] != '|' && text[at] != '>') {
      int next = groupEnd(at, end);
      if (next - at != 2) {
        throw allDigits(at, next) && next - at > 2 ? unknownOrder(at, next) : noByte(at, end);
      }
      readGroup(at, next);
      at = skipBlanks(next, end);
    }
    layout = Layout.OFFSETS;
  }

  /// Bytes without an offset: two digits each, with or without `0x` and `,`.
  private void readBytes(int begin, int end) {
    startRow();
    int at = begin;
    while (at < end) {
      int from = at;
      if (from + 1 < end && text[from] == '0' && (text[from + 1] | 0x20) == 'x') {
        from += 2;
      }
      int next = from;
      while (next < end && HexDigit.is(text[next])) {
        next++;
      }
      if (next - from > 2 && (next == end || isBlank(text[next]) || text[next] == ',')) {
        throw layout == Layout.UNKNOWN && filled == 0 && from == at
            ? noDump()
            : unknownOrder(from, next);
      }
      if (next - from != 2 || (next < end && !isBlank(text[next]) && text[next] != ',')) {
        throw noByte(at, end);
      }
      readGroup(from, next);
      at = skipBlanks(next, end);
      if (at < end && text[at] == ',') {
        at = skipBlanks(at + 1, end);
      }
    }
    layout = Layout.BYTES_ONLY;
  }

  /// A group of `xxd`: one or two bytes, in the order in which they are printed.
  private void readWord(int begin, int end) {
    if (end - begin > 4 && allDigits(begin, end)) {
      throw unknownOrder(begin, end);
    }
    readGroup(begin, end);
  }

  private void readGroup(int begin, int end) {
    if (begin == end || (end - begin) % 2 != 0 || !allDigits(begin, end)) {
      throw noByte(begin, end);
    }
    for (int at = begin; at < end; at += 2) {
      if (filled == config.length) {
        throw damaged("there are more than the 4096 bytes of a configuration space");
      }
      config[filled++] = (byte) HexDigit.pair(text[at], text[at + 1]);
    }
    rowLength = filled - rowStart;
  }

  private void startRow() {
    if (rowStart != filled) {
      rowStart = filled;
    }
    rowLength = 0;
  }

  private int groupEnd(int from, int end) {
    int at = from;
    while (at < end && !isBlank(text[at]) && text[at] != '-') {
      at++;
    }
    return at;
  }

  private boolean allDigits(int begin, int end) {
    for (int at = begin; at < end; at++) {
      if (!HexDigit.is(text[at])) {
        return false;
      }
    }
    return true;
  }

  private int hexDigits(int begin, int end) {
    int at = begin;
    while (at < end && HexDigit.is(text[at])) {
      at++;
    }
    return at - begin;
  }

  private int skipBlanks(int from, int end) {
    int at = from;
    while (at < end && isBlank(text[at])) {
      at++;
    }
    return at;
  }

  private static boolean isBlank(byte b) {
    return b == ' ' || b == '\t';
  }

  private String quoted(int begin, int end) {
    int stop = begin;
    while (stop < end && !isBlank(text[stop]) && stop - begin < MAX_REPORTED) {
      stop++;
    }
    return "\"" + OneLine.of(new String(text, begin, stop - begin, StandardCharsets.UTF_8)) + "\"";
  }

  private DumpException noByte(int begin, int end) {
    return layout == Layout.UNKNOWN && filled == 0
        ? noDump()
        : damaged(quoted(begin, end) + " is no byte of two hex digits");
  }

  private DumpException unknownOrder(int begin, int end) {
    return damaged(
        quoted(begin, end)
            + " has several bytes in an order that depends on the tool: dump it with `hexdump -C`"
            + " or `xxd -g 1`");
  }

  /// Nothing was understood so far, so it is not this line that is wrong.
  private DumpException noDump() {
    return damaged(
        "is no dump: neither a function line of lspci such as \"00:1f.2 SATA controller\" nor hex"
            + " bytes; "
            + DumpFile.CAPTURE);
  }

  private DumpException damaged(String problem) {
    return new DumpException(file.name(), line, problem);
  }
}
