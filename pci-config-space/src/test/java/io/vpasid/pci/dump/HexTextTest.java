package io.vpasid.pci.dump;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.vpasid.pci.ConfigSpace;
import java.util.HexFormat;
import java.util.Locale;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class HexTextTest {
  private static final ConfigSpace CONFIG = new RandomSpaces(1).config(256);
  private static final ConfigSpace EXTENDED = new RandomSpaces(2).config(4096);

  private static String hex(ConfigSpace config, int from, int length, String between) {
    return HexFormat.ofDelimiter(between)
        .formatHex(config.toByteArray(), from, Math.min(from + length, config.size()));
  }

  private static String lines(ConfigSpace config, int width, String format, String between) {
    return IntStream.iterate(0, at -> at < config.size(), at -> at + width)
        .mapToObj(
            at -> String.format(Locale.ROOT, format, at, hex(config, at, width, between)) + "\n")
        .collect(Collectors.joining());
  }

  private static ConfigSpace config(String text) {
    return HexText.parse("text", text).config();
  }

  private static DumpException problem(String text) {
    return assertThatExceptionOfType(DumpException.class)
        .isThrownBy(() -> HexText.parse("file.hex", text))
        .actual();
  }

  @ParameterizedTest
  @CsvSource({
    "16,'%08x: %s'",
    "16,'%08x: %s  ..characters'",
    "16,'%08x: %s  86 characters'",
    "16,'%02x: %s'",
    "16,'%03x:  %s'",
    "16,'  %04X: %s  *abc*'",
    "16,'%08x  %s  |86 80 25 0b|'",
    "16,'%06x %s'",
    "16,'%06x %s  >86<'",
    "8,'%08x: %s'",
    "32,'%08x\t%s'",
    "4,'%016x  %s'",
  })
  void linesMayBeginWithAnOffset(int width, String format) {
    assertThat(config(lines(CONFIG, width, format, " "))).isEqualTo(CONFIG);
    assertThat(config(lines(EXTENDED, width, format, " "))).isEqualTo(EXTENDED);
  }

  @ParameterizedTest
  @CsvSource({
    "16,'%2$s',' '",
    "1,'%2$s',' '",
    "13,'%2$s ','\t'",
    "4096,'%2$s',' '",
    "30,'%2$s',''",
    "4096,'%2$s',''",
    "16,'0x%2$s,',', 0x'",
    "16,'0X%2$s',' 0X'",
    "16,'%2$s',','",
  })
  void bytesMayStandAlone(int width, String format, String between) {
    assertThat(config(lines(CONFIG, width, format, between))).isEqualTo(CONFIG);
    assertThat(config(lines(EXTENDED, width, format, between))).isEqualTo(EXTENDED);
  }

  @Test
  void dashOfEdk2SeparatesBytes() {
    String text =
        lines(CONFIG, 16, "  %08X: %s  *characters*", " ").replaceAll("(?m)^(.{35}) ", "$1-");

    assertThat(text).contains("-");
    assertThat(config(text)).isEqualTo(CONFIG);
  }

  @Test
  void starRepeatsTheLineBeforeUpToTheNextOffset() {
    byte[] expected = new byte[4096];
    expected[0] = 0x11;
    expected[0xff0] = 0x22;

    assertThat(
            config(
                """
                00000000  11 00 00 00 00 00 00 00  00 00 00 00 00 00 00 00  |................|
                00000010  00 00 00 00 00 00 00 00  00 00 00 00 00 00 00 00  |................|
                *
                00000ff0  22 00 00 00 00 00 00 00  00 00 00 00 00 00 00 00  |"...............|
                00001000
                """))
        .isEqualTo(ConfigSpace.of(expected));
  }

  @Test
  void starMayReachTheEnd() {
    assertThat(config("00000000  00 00 00 00\n*\n00001000\n"))
        .isEqualTo(ConfigSpace.of(new byte[4096]));
  }

  @ParameterizedTest
  @ValueSource(strings = {"\r\n", "\r", "\n\n", "  \n", "\n# comment\n"})
  void linesMayEndInOtherWays(String lineEnd) {
    assertThat(config(lines(CONFIG, 16, "%08x: %s", " ").replace("\n", lineEnd))).isEqualTo(CONFIG);
  }

  @Test
  void descriptionHasTheIdsOfTheBytes() {
    assertThat(HexText.parse("text", lines(CONFIG, 16, "%08x: %s", " ")).description())
        .contains(CONFIG.id().toString());
  }

  @Test
  void wordsWithoutAKnownByteOrderAreRefused() {
    assertThat(problem("0000000 8086 0b25 0146 0010\n"))
        .hasMessage(
            "file.hex:1: \"8086\" has several bytes in an order that depends on the tool: dump it"
                + " with `hexdump -C` or `xxd -g 1`");
    assertThat(problem("8680 250b\n")).hasMessageStartingWith("file.hex:1: \"250b\" has several");
    assertThat(problem("00000000: 0b258086\n")).hasMessageStartingWith("file.hex:1: \"0b258086\"");
    assertThat(problem("0x8086 0x0b25\n"))
        .hasMessageStartingWith("file.hex:1: \"8086\" has several");
    assertThat(problem("86 80 250b\n")).hasMessageStartingWith("file.hex:1: \"250b\" has several");
  }

  @Test
  void offsetsMustBeTheBytesBefore() {
    assertThat(problem("00: 86 80\n10: 00\n"))
        .hasMessage(
            "file.hex:2: offset 0x10 where 0x2 is due: lines are missing, out of order or cut, or"
                + " the offsets are not in hex (od needs -A x)");
    assertThat(problem("10: 86 80\n")).hasMessageStartingWith("file.hex:1: offset 0x10 where 0x0");
    assertThat(problem("00: 86\nffffffffffffffffff: 80\n"))
        .hasMessageStartingWith("file.hex:2: offset 0x7fffffff lies behind");
    assertThat(problem("00: 86\n01 80\n86: 00\n"))
        .hasMessageStartingWith("file.hex:3: offset 0x86");
    assertThat(problem("00: 86\nx\n"))
        .hasMessage("file.hex:2: \"x\" stands where an offset is needed");
    assertThat(problem("86 80\n02: 00\n"))
        .hasMessage("file.hex:2: an offset, but the lines before have none");
  }

  @Test
  void badHexIsQuoted() {
    assertThat(problem("00: 86 8g\n"))
        .hasMessage("file.hex:1: \"8g\" is no byte of two hex digits");
    assertThat(problem("00: 86 8\n")).hasMessage("file.hex:1: \"8\" is no byte of two hex digits");
    assertThat(problem("86 80\n 25 x\n"))
        .hasMessage("file.hex:2: \"x\" is no byte of two hex digits");
    assertThat(problem("868025\n868\n"))
        .hasMessage("file.hex:2: \"868\" is no byte of two hex digits");
    assertThat(problem("00000000  86 80 ..\n"))
        .hasMessage("file.hex:1: \"..\" is no byte of two hex digits");
  }

  @Test
  void starNeedsALineBeforeAndAnOffsetBehind() {
    assertThat(problem("*\n")).hasMessageStartingWith("file.hex:1: \"*\" repeats a line, but none");
    assertThat(problem("86 80\n*\n")).hasMessageStartingWith("file.hex:2: \"*\" repeats a line");
    assertThat(problem("00: 86\n*\n"))
        .hasMessageStartingWith("file.hex:2: the dump ends with \"*\"");
  }

  @Test
  void otherNumbersOfBytesAreRefused() {
    assertThat(problem(lines(CONFIG, 16, "%02x: %s", " ").substring(0, 4 * 52)))
        .hasMessageStartingWith("file.hex:4: there are only 64 bytes, which is what Linux shows");
    assertThat(problem("86 80\n"))
        .hasMessage(
            "file.hex:1: the dump ends here with 2 bytes, a configuration space has 256 or 4096: it"
                + " is cut off or of something else");
    assertThat(problem("00 ".repeat(4097)))
        .hasMessage("file.hex:1: there are more than the 4096 bytes of a configuration space");
    assertThat(problem("# nothing\n\n"))
        .hasMessage("file.hex: has no bytes in it: capture it with `lspci -xxxx` as root");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "Hello, world\n",
        "# x\n\nname: value\n",
        "{\n",
        "12: thirteen\n",
        "-----\n",
        "a\n"
      })
  void otherTextIsNoDump(String text) {
    assertThat(problem(text))
        .hasMessageEndingWith(
            ": is no dump: neither a function line of lspci such as \"00:1f.2 SATA controller\" nor"
                + " hex bytes; capture it with `lspci -xxxx` as root");
  }
}
