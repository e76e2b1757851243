package io.vpasid.pci.dump;

import io.vpasid.pci.ConfigSpace;
import io.vpasid.pci.PciAddress;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/// One pass over the bytes of an `lspci` text; the grammar is [LspciText]'s.
///
/// Nearly every line of a dump is a row just as `lspci` prints it and just where it belongs, and
/// [#plainRow(int)] takes those without looking for the end of the line or allocating anything. All
/// others take the long way, which knows prefixes, blanks and what to complain about.
final class LspciParser {
  static final int ROW_BYTES = 16;

  /// Length of `:BB:DD.F` without its colon.
  private static final int ADDRESS_LENGTH = 7;

  private final String source;
  private final byte[] text;
  private final List<HostFunction> functions = new ArrayList<>();

  /// The line being read, from 1.
  private int line;

  /// How many function lines there were, and where the first is.
  private int headers;

  private int firstHeaderLine;

  /// The first row that stands in front of every function line, or 0.
  private int orphanLine;

  // The function whose rows are being read. Its bytes are complete up to `filled`.
  private final byte[] config = new byte[ConfigSpace.EXTENDED_SIZE];
  private int filled;
  private PciAddress address = new PciAddress(0, 0, 0, 0);
  private String description = "";
  private int headerLine;
  private int lastRowLine;
  private int prefixStart;
  private int prefixEnd;

  /// Whether the file must not end before this function has rows.
  private boolean rowsExpected;

  // What isAddress last found.
  private int addressStart;
  private int domain;
  private int bus;
  private int device;

  LspciParser(DumpFile file) {
    source = file.name();
    text = file.bytes();
  }

  /// Reads all of it.
  ///
  /// @return whether there was a function line; if not, the text is something else
  /// @throws DumpException if it is `lspci` text, but damaged
  boolean run() {
    int at = 0;
    while (at < text.length) {
      line++;
      int end = plainRow(at);
      if (end < 0) {
        end = lineEnd(at);
        readLine(at, end);
      }
      at = end < text.length && text[end] == '\r' ? end + 1 : end;
      if (at == end || (at < text.length && text[at] == '\n')) {
        at++;
      }
    }
    if (headers == 0) {
      return false;
    }
    if (filled == 0 && rowsExpected) {
      throw damaged(
          headerLine,
          "the file ends before the hex rows of " + address + ": it is cut off; " + again());
    }
    closeFunction();
    if (functions.isEmpty()) {
      throw damaged(
          firstHeaderLine,
          (headers == 1 ? "1 function is" : headers + " functions are")
              + " listed, but without hex rows; "
              + DumpFile.CAPTURE);
    }
    return true;
  }

  /// What was found, in the order of the text.
  List<HostFunction> functions() {
    return List.copyOf(functions);
  }

  /// Takes the row that is due, if it begins at `at` and is written exactly as `lspci` does.
  ///
  /// @return the end of its line, or -1 if it is anything else; then nothing has changed
  private int plainRow(int at) {
    // Offset and colon, then sixteen times a blank and two digits.
    int colon = filled < 0x100 ? at + 2 : at + 3;
    int end = colon + 1 + 3 * ROW_BYTES;
    if (headers == 0 || end > text.length || text[colon] != ':') {
      return -1;
    }
    int offset = HexDigit.pair(text[colon - 2], text[colon - 1]);
    if (filled >= 0x100 && offset >= 0) {
      offset |= HexDigit.value(text[at]) << 8;
    }
    if (offset != filled || offset > ConfigSpace.EXTENDED_SIZE - ROW_BYTES) {
      return -1;
    }
    int wrong = 0;
    int from = colon + 1;
    for (int i = 0; i < ROW_BYTES; i++) {
      int value = HexDigit.pair(text[from + 1], text[from + 2]);
      wrong |= (text[from] ^ ' ') | (value & ~0xff);
      config[offset + i] = (byte) value;
      from += 3;
    }
    if (wrong != 0 || (end < text.length && text[end] != '\n' && text[end] != '\r')) {
      return -1;
    }
    filled += ROW_BYTES;
    lastRowLine = line;
    return end;
  }

  private void readLine(int start, int stop) {
    int begin = skipBlanks(start, stop);
    int end = stop;
    while (end > begin && isBlank(text[end - 1])) {
      end--;
    }
    if (begin == end || readHeader(start, begin, end) || readRow(start, begin, end)) {
      return;
    }
    if (begin == start && !startsWithPrefix(start, end)) {
      // Text of something else: this is not the middle of a dump.
      rowsExpected = false;
    }
  }

  // Function lines

  private boolean readHeader(int start, int begin, int end) {
    int tokenEnd = tokenEnd(begin, end);
    if (isAddress(begin, tokenEnd)) {
      if (addressStart > begin && (begin > start || !endsPrefix(text[addressStart - 1]))) {
        return false;
      }
    } else {
      int second = afterPrefixWord(start, begin, tokenEnd, end);
      if (second < 0) {
        return false;
      }
      tokenEnd = tokenEnd(second, end);
      if (!isAddress(second, tokenEnd) || addressStart != second) {
        return false;
      }
    }
    if (orphanLine > 0) {
      throw damaged(
          orphanLine,
          "a hex row without a function line such as \"00:1f.2 SATA controller\" in front of it;"
              + " the top of the dump is missing; "
              + again());
    }
    boolean previousHadRows = filled > 0;
    closeFunction();
    headers++;
    if (headers == 1) {
      firstHeaderLine = line;
    }
    address = new PciAddress(domain, bus, device, text[tokenEnd - 1] - '0');
    description =
        new String(text, tokenEnd, descriptionLength(tokenEnd, end), StandardCharsets.UTF_8);
    headerLine = line;
    filled = 0;
    rowsExpected = previousHadRows;
    prefixStart = start;
    prefixEnd = begin > start ? start : addressStart;
    return true;
  }

  /// Whether the word ends in an address that is the whole word or follows a `:`-like character.
  /// Sets [#addressStart] and the numbers.
  private boolean isAddress(int begin, int end) {
    int at = end - ADDRESS_LENGTH;
    if (at < begin
        || text[at + 2] != ':'
        || text[at + 5] != '.'
        || text[at + 6] < '0'
        || text[at + 6] > '7') {
      return false;
    }
    bus = HexDigit.pair(text[at], text[at + 1]);
    device = HexDigit.pair(text[at + 3], text[at + 4]);
    if (bus < 0 || device < 0 || device > 0x1f) {
      return false;
    }
    domain = 0;
    addressStart = at;
    if (at == begin) {
      return true;
    }
    if (text[at - 1] != ':') {
      return true;
    }
    int from = at - 1;
    while (from > begin && at - 1 - from < 9 && HexDigit.is(text[from - 1])) {
      from--;
    }
    int digits = at - 1 - from;
    if (digits >= 4 && digits <= 8 && (from == begin || endsPrefix(text[from - 1]))) {
      for (int i = from; i < at - 1; i++) {
        domain = domain << 4 | HexDigit.value(text[i]);
      }
      addressStart = from;
      return domain >= 0;
    }
    return true;
  }

  private int descriptionLength(int from, int end) {
    // Enough for the longest description; the record cuts it to size.
    return Math.min(end - from, 4 * HostFunction.MAX_DESCRIPTION_BYTES);
  }

  private void closeFunction() {
    if (headers == 0 || filled == 0) {
      return;
    }
    if (DumpFile.isHeaderOnly(filled)) {
      throw damaged(
          headerLine,
          address
              + " has only "
              + filled
              + " bytes, which is what `lspci -x` shows, and -xxx and -xxxx without privileges: run"
              + " `lspci -xxxx` as root");
    }
    if (filled != ConfigSpace.STANDARD_SIZE && filled != ConfigSpace.EXTENDED_SIZE) {
      throw damaged(
          lastRowLine,
          String.format(
              Locale.ROOT,
              "%s ends after row 0x%02x with %d bytes, it must have 256 or 4096: the dump is cut"
                  + " off; %s",
              address,
              filled - ROW_BYTES,
              filled,
              again()));
    }
    functions.add(
        new HostFunction(
            address,
            description,
            ConfigSpace.of(Arrays.copyOf(config, filled)),
            source,
            headerLine));
  }

  // Rows

  private boolean readRow(int start, int begin, int end) {
    boolean indented = begin > start;
    if (readRowAt(begin, end, indented)) {
      return true;
    }
    if (indented) {
      return false;
    }
    int tokenEnd = tokenEnd(begin, end);
    int second = afterPrefixWord(start, begin, tokenEnd, end);
    if (second > 0 && readRowAt(second, end, false)) {
      return true;
    }
    int from = tokenEnd - 1;
    while (from > begin && HexDigit.is(text[from - 1]) && tokenEnd - from < 5) {
      from--;
    }
    return from > begin && endsPrefix(text[from - 1]) && readRowAt(from, end, false);
  }

  /// Takes or refuses the row that begins with its offset at `begin`.
  ///
  /// @return false if it is no row at all
  private boolean readRowAt(int begin, int end, boolean indented) {
    int offset = 0;
    int at = begin;
    while (at < end && at - begin < 4 && HexDigit.is(text[at])) {
      offset = offset << 4 | HexDigit.value(text[at]);
      at++;
    }
    int digits = at - begin;
    if ((digits != 2 && digits != 3) || at == end || text[at] != ':') {
      return false;
    }
    at++;
    if (at < end && (!isBlank(text[at]) || isBlank(text[at + 1]))) {
      return false;
    }
    at++;
    int count = 0;
    while (at + 1 < end
        && HexDigit.pair(text[at], text[at + 1]) >= 0
        && (at + 2 == end || isBlank(text[at + 2]))) {
      if (count < ROW_BYTES && offset == filled) {
        config[filled + count] = (byte) HexDigit.pair(text[at], text[at + 1]);
      }
      count++;
      at = skipBlanks(at + 2, end);
    }
    boolean intact = at >= end && count > 0;
    if (headers == 0) {
      return noteOrphan(intact && count == ROW_BYTES && offset % ROW_BYTES == 0);
    }
    if (isOtherText(offset, count, intact, indented)) {
      return false;
    }
    if (!intact) {
      throw damaged(line, unreadable(offset, at, end));
    }
    if (offset != filled) {
      throw damaged(line, misplaced(offset));
    }
    if (count != ROW_BYTES) {
      throw damaged(
          line,
          String.format(
              Locale.ROOT,
              "row 0x%02x of %s has %d %s, 16 are needed; %s",
              offset,
              address,
              count,
              count == 1 ? "byte" : "bytes",
              again()));
    }
    filled += ROW_BYTES;
    lastRowLine = line;
    return true;
  }

  /// Whether a line that looks somewhat like a row is something else. In doubt it is a damaged row
  /// as long as rows are missing, and something else before the first and behind the last.
  private boolean isOtherText(int offset, int count, boolean intact, boolean indented) {
    boolean due = offset == filled;
    boolean within =
        filled != 0 && filled != ConfigSpace.STANDARD_SIZE && filled != ConfigSpace.EXTENDED_SIZE;
    if (!within && (offset % ROW_BYTES != 0 || (indented && count != ROW_BYTES))) {
      return true;
    }
    if (count == 0) {
      return !(due && filled > 0);
    }
    return !intact && !due && !within;
  }

  private boolean noteOrphan(boolean row) {
    if (row && orphanLine == 0) {
      orphanLine = line;
    }
    return row;
  }

  private String unreadable(int offset, int at, int end) {
    if (at >= end) {
      return String.format(
          Locale.ROOT, "row 0x%02x of %s has 0 bytes, 16 are needed; %s", offset, address, again());
    }
    int length = Math.min(tokenEnd(at, end) - at, 12);
    return String.format(
        Locale.ROOT,
        "row 0x%02x of %s: \"%s\" is no byte of two hex digits; %s",
        offset,
        address,
        OneLine.of(new String(text, at, length, StandardCharsets.UTF_8)),
        again());
  }

  private String misplaced(int offset) {
    if (offset % ROW_BYTES != 0) {
      return String.format(
          Locale.ROOT,
          "row 0x%02x of %s is no multiple of 16, row 0x%02x is due; %s",
          offset,
          address,
          filled,
          again());
    }
    if (offset < filled) {
      return String.format(
          Locale.ROOT,
          "row 0x%02x of %s comes again or too late; if another function begins here, its first"
              + " line is missing or damaged; %s",
          offset,
          address,
          again());
    }
    return String.format(
        Locale.ROOT,
        "row 0x%02x of %s comes where row 0x%02x is due: rows are missing or out of order; %s",
        offset,
        address,
        filled,
        again());
  }

  // Words, blanks and prefixes

  /// Where the second word begins, if the first is a prefix with one blank behind it; otherwise -1.
  private int afterPrefixWord(int start, int begin, int tokenEnd, int end) {
    return begin == start
            && endsPrefix(text[tokenEnd - 1])
            && tokenEnd + 1 < end
            && text[tokenEnd] == ' '
            && !isBlank(text[tokenEnd + 1])
        ? tokenEnd + 1
        : -1;
  }

  private boolean startsWithPrefix(int start, int end) {
    int length = prefixEnd - prefixStart;
    return length > 0
        && Arrays.equals(text, prefixStart, prefixEnd, text, start, Math.min(start + length, end));
  }

  private int tokenEnd(int begin, int end) {
    int at = begin;
    while (at < end && !isBlank(text[at])) {
      at++;
    }
    return at;
  }

  private int skipBlanks(int from, int end) {
    int at = from;
    while (at < end && isBlank(text[at])) {
      at++;
    }
    return at;
  }

  private int lineEnd(int from) {
    int at = from;
    while (at < text.length && text[at] != '\n' && text[at] != '\r') {
      at++;
    }
    return at;
  }

  private static boolean isBlank(byte b) {
    return b == ' ' || b == '\t';
  }

  private static boolean endsPrefix(byte b) {
    return b == ':' || b == '-' || b == '>' || b == '|' || b == ']';
  }

  private DumpException damaged(int where, String problem) {
    return new DumpException(source, where, problem);
  }

  private static String again() {
    return "capture it again with `lspci -xxxx` as root";
  }
}
