package io.vpasid.pci.dump;

import io.vpasid.pci.ConfigSpace;
import io.vpasid.pci.PciAddress;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
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
  private final CapturedRows rows;
  private final HexLine hex;

  /// The line being read, from 1.
  private int line;

  /// How many function lines there were, and where the first is.
  private int headers;

  private int firstHeaderLine;

  private PciAddress address = new PciAddress(0, 0, 0, 0);
  private int headerLine;

  private int prefixStart;
  private int prefixEnd;

  /// True if the file must not end before this function has rows.
  private boolean rowsExpected;

  /// True if rows come again without a function line: nobody knows whose they are.
  private boolean nameless = true;

  /// True if the function's rows are those of another tool below a function line.
  private boolean foreign;

  /// The bytes of the line being read.
  private final byte[] row = new byte[ROW_BYTES];

  // What isAddress last found.
  private int addressStart;
  private int domain;
  private int bus;
  private int device;

  LspciParser(DumpFile file) {
    source = file.name();
    text = file.bytes();
    rows = new CapturedRows(source, file.address(), false);
    hex = new HexLine(text, DumpForm.HEX);
  }

  /// Reads all of it.
  ///
  /// @return whether there was a function line; if not, the text is something else
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
    if (rows.next() == 0 && rowsExpected) {
      rows.damaged(
          headerLine,
          "the file ends before the hex rows of "
              + address
              + ": it is cut off; "
              + CapturedRows.again());
    }
    return true;
  }

  /// True if any function has rows.
  boolean hasRows() {
    return !rows.isEmpty();
  }

  /// The functions that were found.
  ///
  /// @throws DumpException if there are function lines alone
  Dump dump() {
    if (rows.isEmpty()) {
      throw new DumpException(
          source,
          firstHeaderLine,
          "%s listed, but without hex rows; %s"
              .formatted(
                  headers == 1 ? "1 function is" : headers + " functions are", DumpFile.CAPTURE));
    }
    return rows.dump();
  }

  /// Takes the row that is due, if it begins at `at` and is written exactly as `lspci` does.
  ///
  /// @return the end of its line, or -1 if it is anything else; then nothing has changed
  private int plainRow(int at) {
    // Offset and colon, then sixteen times a blank and two digits.
    int due = rows.next();
    int colon = due < 0x100 ? at + 2 : at + 3;
    int end = colon + 1 + 3 * ROW_BYTES;
    if (nameless || foreign || end > text.length || text[colon] != ':') {
      return -1;
    }
    int offset = HexDigit.pair(text[colon - 2], text[colon - 1]);
    if (due >= 0x100 && offset >= 0) {
      offset |= HexDigit.value(text[at]) << 8;
    }
    if (offset != due || offset > ConfigSpace.EXTENDED_SIZE - ROW_BYTES) {
      return -1;
    }
    int wrong = 0;
    int from = colon + 1;
    for (int i = 0; i < ROW_BYTES; i++) {
      int value = HexDigit.pair(text[from + 1], text[from + 2]);
      wrong |= (text[from] ^ ' ') | (value & ~0xff);
      rows.config[offset + i] = (byte) value;
      from += 3;
    }
    if (wrong != 0 || (end < text.length && text[end] != '\n' && text[end] != '\r')) {
      return -1;
    }
    rows.took(offset, ROW_BYTES, line);
    return end;
  }

  private void readLine(int start, int stop) {
    int begin = skipBlanks(start, stop);
    int end = stop;
    while (end > begin && HexLine.isBlank(text[end - 1])) {
      end--;
    }
    if (begin == end || readHeader(start, begin, end) || readRow(start, begin, end)) {
      return;
    }
    if (headers > 0 && readForeignRow(begin, end)) {
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
      int second = afterPrefixWords(start, begin, end);
      if (second < 0) {
        return false;
      }
      tokenEnd = tokenEnd(second, end);
      if (!isAddress(second, tokenEnd) || addressStart != second) {
        return false;
      }
    }
    boolean previousHadRows = rows.next() > 0;
    headers++;
    if (headers == 1) {
      firstHeaderLine = line;
    }
    address = new PciAddress(domain, bus, device, text[tokenEnd - 1] - '0');
    rows.begin(
        address,
        new String(text, tokenEnd, descriptionLength(tokenEnd, end), StandardCharsets.UTF_8),
        line);
    headerLine = line;
    nameless = false;
    foreign = false;
    rowsExpected = previousHadRows;
    prefixStart = start;
    prefixEnd = begin > start ? start : addressStart;
    return true;
  }

  /// True if the word ends in an address that is the whole word or follows a `:`-like character.
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
    int second = afterPrefixWords(start, begin, end);
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
    if (at < end && (!HexLine.isBlank(text[at]) || HexLine.isBlank(text[at + 1]))) {
      return false;
    }
    at++;
    int count = 0;
    while (at + 1 < end
        && HexDigit.pair(text[at], text[at + 1]) >= 0
        && (at + 2 == end || HexLine.isBlank(text[at + 2]))) {
      if (count < ROW_BYTES) {
        row[count] = (byte) HexDigit.pair(text[at], text[at + 1]);
      }
      count++;
      at = skipBlanks(at + 2, end);
    }
    boolean intact = at >= end && count > 0;
    if (nameless) {
      return noteNameless(offset, intact && count == ROW_BYTES);
    }
    if (foreign || isOtherText(offset, count, intact, indented)) {
      return false;
    }
    if (!intact) {
      rows.damaged(line, unreadable(offset, at, end));
    } else if (offset % ROW_BYTES != 0) {
      rows.damaged(line, between(offset));
    } else if (count != ROW_BYTES) {
      rows.damaged(
          line,
          String.format(
              Locale.ROOT,
              "row 0x%02x of %s has %d %s, 16 are needed; %s",
              offset,
              address,
              count,
              count == 1 ? "byte" : "bytes",
              CapturedRows.again()));
    } else if (offset < rows.next()) {
      readAgain(offset);
    } else {
      take(offset);
    }
    return true;
  }

  private void take(int offset) {
    System.arraycopy(row, 0, rows.config, offset, ROW_BYTES);
    rows.took(offset, ROW_BYTES, line);
  }

  /// A row that comes again belongs to another function if it is the first one.
  private void readAgain(int offset) {
    if (offset == 0) {
      beginNameless();
      take(0);
      return;
    }
    rows.damaged(
        line,
        String.format(
            Locale.ROOT,
            "row 0x%02x of %s comes again or too late; if another function begins here, its first"
                + " line is missing or damaged; %s",
            offset,
            address,
            CapturedRows.again()));
  }

  /// Rows in front of every function line, and rows whose function line was not understood.
  private void beginNameless() {
    rows.begin(new PciAddress(0, 0, 0, 0), "", line);
    rows.damaged(
        line,
        "a hex row without a function line such as \"00:1f.2 SATA controller\" in front of it;"
            + (headers == 0
                ? " the top of the dump is missing; "
                : " the function's first line is missing or damaged; ")
            + CapturedRows.again());
    nameless = true;
  }

  private boolean noteNameless(int offset, boolean row) {
    if (!row || offset % ROW_BYTES != 0) {
      return false;
    }
    if (rows.isEmpty() || offset == 0) {
      beginNameless();
    }
    if (offset >= rows.next()) {
      take(offset);
    }
    return true;
  }

  /// A row of `xxd`, `hexdump -C` or the like below a function line, with an offset of 4 digits and
  /// more.
  private boolean readForeignRow(int begin, int end) {
    if (nameless || !(foreign || rows.next() == 0)) {
      return false;
    }
    switch (hex.read(begin, end, rows.next(), false, true)) {
      case ROW -> {
        boolean begins = hex.offset() == 0 && hex.offsetDigits() >= 4;
        if (!(foreign || begins) || hex.offset() + hex.count() > ConfigSpace.EXTENDED_SIZE) {
          return false;
        }
        foreign = true;
        rows.row((int) hex.offset(), hex.bytes(), hex.count(), line);
      }
      case STAR -> rows.repeat();
      case END -> rows.repeatTo((int) Math.min(hex.offset(), ConfigSpace.EXTENDED_SIZE));
      case BROKEN -> {
        if (!foreign) {
          return false;
        }
        rows.damaged(line, hex.group() + " is no byte of two hex digits; " + CapturedRows.again());
      }
      default -> {
        return false;
      }
    }
    return foreign;
  }

  /// True if a line that looks somewhat like a row is something else. In doubt it is a damaged row
  /// as long as rows are missing, and something else before the first and behind the last.
  private boolean isOtherText(int offset, int count, boolean intact, boolean indented) {
    boolean due = offset == rows.next();
    boolean within = rows.isWithin();
    if (!within && (offset % ROW_BYTES != 0 || (indented && count != ROW_BYTES))) {
      return true;
    }
    if (count == 0) {
      return !(due && rows.next() > 0);
    }
    return !intact && !due && !within;
  }

  private String unreadable(int offset, int at, int end) {
    if (at >= end) {
      return String.format(
          Locale.ROOT,
          "row 0x%02x of %s has 0 bytes, 16 are needed; %s",
          offset,
          address,
          CapturedRows.again());
    }
    int length = Math.min(tokenEnd(at, end) - at, 12);
    return String.format(
        Locale.ROOT,
        "row 0x%02x of %s: \"%s\" is no byte of two hex digits; %s",
        offset,
        address,
        OneLine.of(new String(text, at, length, StandardCharsets.UTF_8)),
        CapturedRows.again());
  }

  private String between(int offset) {
    return String.format(
        Locale.ROOT,
        "row 0x%02x of %s is no multiple of 16, row 0x%02x is due; %s",
        offset,
        address,
        rows.next(),
        CapturedRows.again());
  }

  // Words, blanks and prefixes

  /// Where the first word behind the prefixes begins, if the line begins with a prefix that has one
  /// blank behind it, and perhaps more marks of quotes, as in `host: 01:00.0` and `> > 01:00.0`;
  /// otherwise -1.
  private int afterPrefixWords(int start, int begin, int end) {
    int at = begin;
    while (begin == start) {
      int blank = tokenEnd(at, end);
      if (!endsPrefix(text[blank - 1])
          || (at > begin && blank - at > 1)
          || blank + 1 >= end
          || text[blank] != ' '
          || HexLine.isBlank(text[blank + 1])) {
        break;
      }
      at = blank + 1;
    }
    return at > begin ? at : -1;
  }

  private boolean startsWithPrefix(int start, int end) {
    int length = prefixEnd - prefixStart;
    return length > 0
        && Arrays.equals(text, prefixStart, prefixEnd, text, start, Math.min(start + length, end));
  }

  private int tokenEnd(int begin, int end) {
    int at = begin;
    while (at < end && !HexLine.isBlank(text[at])) {
      at++;
    }
    return at;
  }

  private int skipBlanks(int from, int end) {
    int at = from;
    while (at < end && HexLine.isBlank(text[at])) {
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

  private static boolean endsPrefix(byte b) {
    return b == ':' || b == '-' || b == '>' || b == '|' || b == ']' || b == '+';
  }
}
