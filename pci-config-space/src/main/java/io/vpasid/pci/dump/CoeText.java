package io.vpasid.pci.dump;

import io.vpasid.pci.ConfigSpace;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Reads a memory initialization file (.coe) of Xilinx's tools, as designs of PCI Express endpoints
/// keep a configuration space in.
///
/// ```text
/// ; a comment
/// memory_initialization_radix=16;
/// memory_initialization_vector=
/// 8680250b,46011000,00008008,00000000,
/// ...
/// ```
///
/// Words are 32 bits in 8 hex digits, and their bytes are in the order of the space. Commas, blanks
/// and line ends part them; the first `;` ends them.
final class CoeText {
  private static final String KEY = "memory_initialization_vector";
  private static final Pattern VECTOR = Pattern.compile(KEY + "\\s*=", Pattern.CASE_INSENSITIVE);
  private static final Pattern RADIX =
      Pattern.compile("memory_initialization_radix\\s*=\\s*(\\d{1,9})", Pattern.CASE_INSENSITIVE);

  private static final int WORD_DIGITS = 8;
  private static final int MAX_SEARCHED = 64 << 10;
  private static final byte[] STEP = steps();

  private CoeText() {}

  /// True if the text says so in its first 64 KiB. Nearly every dump is searched in vain, so most
  /// of its bytes are not looked at: one that is not in the key tells that the key is not around
  /// it.
  static boolean is(DumpFile file) {
    byte[] bytes = file.bytes();
    int length = Math.min(bytes.length, MAX_SEARCHED);
    Matcher vector = VECTOR.matcher(new String(bytes, 0, length, StandardCharsets.ISO_8859_1));
    for (int last = KEY.length() - 1; last < length; last += STEP[bytes[last] & 0xff]) {
      boolean ends = bytes[last] == 'r' || bytes[last] == 'R';
      if (ends && vector.region(last - KEY.length() + 1, length).lookingAt()) {
        return true;
      }
    }
    return false;
  }

  /// How far the key can be behind a place where its last character would be a byte (Horspool's
  /// search).
  private static byte[] steps() {
    byte[] steps = new byte[256];
    Arrays.fill(steps, (byte) KEY.length());
    for (int i = 0; i < KEY.length() - 1; i++) {
      byte step = (byte) (KEY.length() - 1 - i);
      steps[KEY.charAt(i)] = step;
      steps[Character.toUpperCase(KEY.charAt(i))] = step;
    }
    return steps;
  }

  /// @throws DumpException if it has no words, or those of another width or radix
  static Dump parse(DumpFile file) {
    String text = text(file).replaceAll("(?m)^[ \\t]*;.*", "");
    Matcher vector = VECTOR.matcher(text);
    if (!vector.find()) {
      throw new DumpException(
          file.name(), 0, "is no .coe file: it has no memory_initialization_vector");
    }
    Matcher radix = RADIX.matcher(text);
    if (radix.find() && !radix.group(1).equals("16")) {
      throw new DumpException(
          file.name(),
          lineOf(text, radix.start()),
          "memory_initialization_radix is " + radix.group(1) + ": only 16 is read");
    }
    CapturedRows rows = new CapturedRows(file.name(), file.address(), true);
    int semicolon = text.indexOf(';', vector.end());
    int end = semicolon < 0 ? text.length() : semicolon;
    int at = vector.end();
    int line = lineOf(text, at);
    while (at < end) {
      char c = text.charAt(at);
      if (c == ',' || Character.isWhitespace(c)) {
        line += c == '\n' ? 1 : 0;
        at++;
        continue;
      }
      int next = at;
      while (next < end && HexDigit.is(text.charAt(next))) {
        next++;
      }
      if (next - at != WORD_DIGITS) {
        throw new DumpException(
            file.name(),
            line,
            "\"%s\" is no word of 32 bits in 8 hex digits"
                .formatted(text.substring(at, Math.min(end, Math.max(next, at + 1)))));
      }
      if (rows.next() == ConfigSpace.EXTENDED_SIZE) {
        throw new DumpException(
            file.name(), line, "there are more than the 4096 bytes of a configuration space");
      }
      for (int i = 0; i < WORD_DIGITS; i += 2) {
        rows.config[rows.next() + i / 2] = (byte) Integer.parseInt(text, at + i, at + i + 2, 16);
      }
      rows.took(rows.next(), WORD_DIGITS / 2, line);
      at = next;
    }
    if (rows.isEmpty()) {
      throw new DumpException(
          file.name(), lineOf(text, vector.start()), "memory_initialization_vector has no words");
    }
    return rows.dump();
  }

  private static int lineOf(String text, int at) {
    return 1 + (int) text.substring(0, at).chars().filter(c -> c == '\n').count();
  }

  private static String text(DumpFile file) {
    return new String(file.bytes(), StandardCharsets.ISO_8859_1);
  }
}
