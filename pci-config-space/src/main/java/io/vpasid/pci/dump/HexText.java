package io.vpasid.pci.dump;

import io.vpasid.pci.ConfigSpace;
import java.util.Locale;
import java.util.Optional;

/// Reads the configuration spaces in a hex dump without function lines of lspci.
///
/// | made by | a line |
/// |---|---|
/// | `hexdump -C` | `00000000  86 80 25 0b 46 01 10 00  00 00 80 08 ...  \|..%.F...\|` |
/// | `od -A x -t x1` | `000000 86 80 25 0b ...` |
/// | `xxd`, `xxd -g 1` | `00000000: 8680 250b 4601 ...  ..%.F...` |
/// | `pci -i` of UEFI shells | `00000000: 86 80 25 0B 46 01 10 00-00 00 80 08 ...  *..%.F...*` |
/// | U-Boot, `md.b` and `pci display.b` | `e0000000: 86 80 25 0b ...    ..%.F...` |
/// | AIDA64 | `Offset 000:  86 80 25 0B  46 01 10 00 ...` |
/// | CPU-Z | `00<tab>86<tab>80<tab>25...` |
/// | pcileech | `0000    86 80 25 0b 46 01 10 00  00 00 80 08 ...   ..%.F...` |
/// | OpenBSD, `pcidump -xxx` | `0x0000: 0b258086 00100146 ...`, numbers |
/// | `lspci`, rows alone | `00: 86 80 25 0b ...` |
/// | `xxd -p` | `8680250b46011000...` |
/// | bare bytes | `86 80 25 0b`, `0x86, 0x80, 0x25, 0x0b` |
///
/// Lines may have any number of bytes. Offsets ascend from 0, or from a multiple of 4096, which is
/// then where the space was mapped; where one is left out, bytes are missing. A line may be an
/// offset alone; a line `*` repeats the line before it up to the next offset, as `hexdump` and `od`
/// write it. In front of a line may be the marks `>`, `|` and `+` of quotes and patches. Other text
/// is skipped. Bytes without offsets among other text count in lines of 8 and more.
///
/// A line that names a function in the way of [ToolHeading] begins a function, and so does an
/// offset 0 that comes again. Without such a line the address is found as for [RawBytes]. Words of
/// 4 and 8 digits whose byte order is not known (`hexdump` without -C, `od -x`, `xxd -e`) are
/// refused unless the form is named.
final class HexText {
  /// Fewest bytes of a line without an offset, among other text.
  private static final int FEWEST_BARE = 8;

  private final DumpFile file;
  private final byte[] text;
  private final HexLine hex;
  private final CapturedRows rows;
  private int line;

  /// Where the space is mapped, which offsets count from.
  private long base;

  /// True if words of the function are numbers.
  private boolean registers;

  /// Any line had an offset, and any heading was seen.
  private boolean hasOffsets;

  private boolean hasHeading;

  /// Of lines without an offset: all, and those that are long enough among other text.
  private final BareBytes bare = new BareBytes();

  private final BareBytes longBare = new BareBytes();

  private boolean hasText;
  private Optional<DumpException> unknownOrder = Optional.empty();
  private int firstLine;

  /// Bytes that stand one behind the other, one more than a space has at most.
  private static final class BareBytes {
    private final byte[] bytes = new byte[ConfigSpace.EXTENDED_SIZE + 1];
    private int count;
    private int line;

    void add(HexLine from, int where) {
      int taken = Math.min(from.count(), bytes.length - count);
      System.arraycopy(from.bytes(), 0, bytes, count, taken);
      count += taken;
      line = where;
    }
  }

  private HexText(DumpFile file, DumpForm form) {
    this.file = file;
    text = file.bytes();
    hex = new HexLine(text, form);
    rows = new CapturedRows(file.name(), file.address(), true);
  }

  /// @param form [DumpForm#HEX], [DumpForm#WORDS] or [DumpForm#GROUPS]
  /// @throws DumpException if there are no bytes
  static Dump parse(DumpFile file, DumpForm form) {
    return new HexText(file, form).read();
  }

  private Dump read() {
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
    if (hasOffsets) {
      return rows.dump();
    }
    BareBytes bytes = hasText ? longBare : bare;
    if (bytes.count > 0) {
      return ofBare(bytes);
    }
    if (unknownOrder.isPresent()) {
      throw unknownOrder.get();
    }
    if (bare.count > 0) {
      return ofBare(bare);
    }
    throw firstLine == 0
        ? new DumpException(file.name(), 0, "has no bytes in it: " + DumpFile.CAPTURE)
        : new DumpException(
            file.name(),
            firstLine,
            String.format(
                Locale.ROOT,
                "is no dump: neither a function line of lspci such as \"00:1f.2 SATA controller\""
                    + " nor hex bytes; %s, or name the form with --form: %s",
                DumpFile.CAPTURE,
                DumpForm.names()));
  }

  private void readLine(int start, int end) {
    Optional<ToolHeading> heading = ToolHeading.of(text, start, end);
    if (heading.isPresent()) {
      rows.begin(heading.get().address(), heading.get().description(), line);
      registers = heading.get().registers();
      hasHeading = true;
      base = 0;
      hasText = true;
      return;
    }
    boolean withOffset = hasOffsets || bare.count == 0;
    HexLine.Kind kind = hex.read(start, end, base + rows.next(), registers, withOffset);
    if (kind != HexLine.Kind.NOTHING && firstLine == 0) {
      firstLine = line;
    }
    switch (kind) {
      case NOTHING -> {}
      case STAR -> {
        if (hasOffsets) {
          rows.repeat();
        } else {
          hasText = true;
        }
      }
      case END -> readEnd();
      case ROW -> readRow();
      case BROKEN -> readBroken();
      case BYTES -> readBare();
      case WORDS -> {
        hasText = true;
        if (unknownOrder.isEmpty()) {
          unknownOrder = Optional.of(unknownOrder());
        }
      }
      case TEXT -> hasText = true;
    }
  }

  private void readBare() {
    if (bare.count == 0 && isColumnTitle()) {
      hasText = true;
      return;
    }
    bare.add(hex, line);
    if (hex.count() >= FEWEST_BARE) {
      longBare.add(hex, line);
    }
  }

  /// True if the line is 00 to 0f, the title of a table. It cannot be a first row: no vendor has
  /// the id 0100.
  private boolean isColumnTitle() {
    for (int i = 0; i < hex.count(); i++) {
      if (hex.bytes()[i] != i) {
        return false;
      }
    }
    return hex.count() == 16;
  }

  private void readEnd() {
    long offset = hex.offset() - base;
    if (hasOffsets && offset >= 0 && offset <= ConfigSpace.EXTENDED_SIZE) {
      rows.repeatTo((int) offset);
    }
  }

  private void readRow() {
    if (!hasOffsets && hex.offset() % ConfigSpace.EXTENDED_SIZE == 0) {
      base = hex.offset();
    }
    long offset = hex.offset() - base;
    if (offset < 0 || offset > ConfigSpace.EXTENDED_SIZE) {
      hasText = true;
      return;
    }
    hasOffsets = true;
    if (offset + hex.count() > ConfigSpace.EXTENDED_SIZE) {
      rows.damaged(line, "there are more than the 4096 bytes of a configuration space");
      return;
    }
    if (offset == 0 && rows.next() > 0) {
      rows.begin(hasHeading ? rows.address() : file.address(), "", line);
    }
    if (!hex.hasColon() && isInOtherRadix(offset)) {
      rows.damaged(
          line,
          String.format(
              Locale.ROOT,
              "offset 0x%x where 0x%x is due: lines are missing, or the offsets are not in hex (od"
                  + " needs -A x)",
              offset,
              rows.next()));
    }
    rows.row((int) offset, hex.bytes(), hex.count(), line);
  }

  /// True if the offset would be the one that is due if its digits were octal or decimal.
  private boolean isInOtherRadix(long offset) {
    String digits = Long.toHexString(offset);
    return offset > rows.next()
        && (digits.equals(Integer.toOctalString(rows.next()))
            || digits.equals(Integer.toString(rows.next())));
  }

  /// Before the first row it is text that looks like one.
  private void readBroken() {
    if (hasOffsets || hex.count() > 0) {
      hasOffsets = true;
      rows.damaged(line, hex.group() + " is no byte of two hex digits");
    } else {
      hasText = true;
    }
  }

  private Dump ofBare(BareBytes bytes) {
    line = bytes.line;
    if (bytes.count > ConfigSpace.EXTENDED_SIZE) {
      rows.damaged(line, "there are more than the 4096 bytes of a configuration space");
    }
    rows.row(0, bytes.bytes, Math.min(bytes.count, ConfigSpace.EXTENDED_SIZE), line);
    return rows.dump();
  }

  private DumpException unknownOrder() {
    return new DumpException(
        file.name(),
        line,
        String.format(
            Locale.ROOT,
            "%s has several bytes in an order that depends on the tool: dump it with `hexdump -C`"
                + " or `xxd -g 1`, or name the order: --form words (%s) or --form groups (%s)",
            hex.group(),
            DumpForm.WORDS.meaning(),
            DumpForm.GROUPS.meaning()));
  }
}
