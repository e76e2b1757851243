package io.vpasid.pci.dump;

import io.vpasid.pci.ConfigSpace;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;

/// The text that `lspci -xxx` and `lspci -xxxx` print, read and written.
///
/// ```text
/// 0000:6a:01.0 System peripheral: Intel Corporation Device 0b25       function line
///         Subsystem: Intel Corporation Device 0000                    decoded by -v, skipped
/// 00: 86 80 25 0b 46 01 10 00 00 00 80 08 00 00 00 00                 rows of 16 bytes,
/// ...                                                                 00 to f0, or
/// ff0: 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00                00 to ff0
/// ```
///
/// **Function lines** begin with `[DOMAIN:]BUS:DEVICE.FUNCTION`, in hex digits of either case:
/// DOMAIN 4 to 8 digits up to 7fffffff and otherwise 0, BUS and DEVICE 2 digits each, FUNCTION 0 to
/// 7. A blank, a tab or the end of the line follows. The rest, without the blanks around it, is the
/// description.
///
/// **Rows** are the offset in 2 or 3 digits, a colon, one blank or tab, and 16 bytes of 2 digits
/// with blanks or tabs between and perhaps behind. They begin at 0, each follows the one before,
/// and there are 16 or 256 of them.
///
/// **Indentation** is allowed on both. **A prefix** is too, and stands instead of it: one word that
/// ends in `:`, `-`, `>`, `|` or `]`, directly in front or with one blank between. That is what
/// `pdsh` and the like (`host1: 00:1f.2 ...`), `grep -H` and `-n` with context lines
/// (`file.txt:00:1f.2 ...`, `file.txt-00: 86 80 ...`) and quoting in mails (`> 00: 86 80 ...`) put
/// there. Function line and rows need not have the same one. In `1234:00:1f.2`, 1234 is a domain,
/// not a line number. Lines of several hosts must not be interleaved.
///
/// **Everything else** is skipped: blank lines, what -v decodes, other text of a log. Lines end in
/// LF, CR LF or CR; bytes that are no UTF-8 are harmless.
///
/// **Offsets of 4 to 8 digits**: below a function line may also be what `xxd`, `hexdump -C` and the
/// like print, beginning at 0 ([HexText]).
///
/// **Several functions at one address**, as in the captures of several machines in one file, are
/// all kept, in the order of the file; [HostFunction#line()] tells them apart. **Functions without
/// rows**, as plain `lspci` lists them, are skipped as long as others have rows; but where the last
/// function has none and the one before has, the file is cut off.
///
/// A function with a row that is damaged, missing, repeated or out of order, or with another size
/// than 256 or 4096 bytes, such as the 64 that `lspci -x` shows, is an [IncompleteFunction]:
/// nothing is guessed, and the others are not spoiled. Rows that come without a function line
/// belong to such a function, too.
public final class LspciText {
  private LspciText() {}

  /// Reads the functions of a text that are there as a whole.
  ///
  /// @param name what messages call it
  /// @return at least one function, in the order of the text
  /// @throws DumpException if it has no function lines, or no function is whole
  public static List<HostFunction> parse(String name, String text) {
    return open(name, text).whole();
  }

  static Dump open(String name, String text) {
    return open(DumpFile.of(name, text.getBytes(StandardCharsets.UTF_8)).asText());
  }

  static Dump open(DumpFile file) {
    LspciParser parser = new LspciParser(file);
    if (!parser.run()) {
      throw new DumpException(
          file.name(),
          0,
          "has no function line such as \"00:1f.2 SATA controller\" in it: " + DumpFile.CAPTURE);
    }
    return parser.dump();
  }

  /// Writes functions as `lspci -D -xxxx` does, to be read again here or by `lspci -F`. (Debian's
  /// pciutils 3.9 takes domains of up to 5 digits there.)
  ///
  /// @throws UncheckedIOException if `out` throws
  public static void write(List<HostFunction> functions, Appendable out) {
    try {
      for (HostFunction function : functions) {
        out.append(format(function));
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static CharSequence format(HostFunction function) {
    ConfigSpace config = function.config();
    StringBuilder text = new StringBuilder(256 + config.size() * 7 / 2);
    // The blank stays when there is no description: lspci asks for it.
    text.append(function.address()).append(' ').append(function.description()).append('\n');
    for (int row = 0; row < config.size(); row += LspciParser.ROW_BYTES) {
      text.append(String.format(Locale.ROOT, "%02x:", row));
      for (int i = 0; i < LspciParser.ROW_BYTES; i++) {
        int value = config.u8(row + i);
        text.append(' ')
            .append(Character.forDigit(value >> 4, 16))
            .append(Character.forDigit(value & 0xf, 16));
      }
      text.append('\n');
    }
    return text.append('\n');
  }
}
