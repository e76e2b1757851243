package io.vpasid.pci.dump;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.InstanceOfAssertFactories.STRING;

import io.vpasid.pci.ConfigSpace;
import java.nio.charset.StandardCharsets;
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

  private static Dump parse(String name, String text) {
    return HexText.parse(
        DumpFile.of(name, text.getBytes(StandardCharsets.UTF_8)).asText(), DumpForm.HEX);
  }

  private static ConfigSpace config(String text) {
    return parse("text", text).whole().getFirst().config();
  }

  private static DumpException problem(String text) {
    return assertThatExceptionOfType(DumpException.class)
        .isThrownBy(() -> parse("file.hex", text).whole())
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
    "4,'%04x\t%s'",
    "2,'%02x: %s'",
    "4,'%08x: %s  éééé'",
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
    assertThat(parse("text", lines(CONFIG, 16, "%08x: %s", " ")).whole())
        .singleElement()
        .extracting(HostFunction::description, STRING)
        .contains(CONFIG.id().toString());
  }

  @Test
  void wordsWithoutAKnownByteOrderAreRefused() {
    assertThat(problem("0000000 8086 0b25 0146 0010\n"))
        .hasMessage(
            "file.hex:1: \"8086\" has several bytes in an order that depends on the tool: dump it"
                + " with `hexdump -C` or `xxd -g 1`, or name the order: --form words (numbers, each"
                + " word's first byte last: pciconf -r, pci display.l, hexdump, od -x, xxd -e) or"
                + " --form groups (groups of bytes in their order: xxd -g 4)");
    assertThat(problem("8680 250b\n")).hasMessageStartingWith("file.hex:1: \"8680\" has several");
    assertThat(problem("00000000: 0b258086\n")).hasMessageStartingWith("file.hex:1: \"0b258086\"");
    assertThat(problem("0x8086 0x0b25\n"))
        .hasMessageStartingWith("file.hex:1: \"8086\" has several");
    assertThat(problem("86 80 250b\n")).hasMessageStartingWith("file.hex:1: \"250b\" has several");
  }

  @Test
  void offsetsThatAreLeftOutAreMissingBytes() {
    assertThat(problem("00: 86 80 25 0b\n10: 00 00 00 00\n"))
        .hasMessage(
            "file.hex:2: the dump has only 8 of 256 bytes here, without 0x004-0x00f, 0x014-0x0ff:"
                + " rows were left out, or are damaged or out of order; capture it again with"
                + " `lspci -xxxx` as root");
    assertThat(problem("00: 86 80 25 0b\nffffffffffffffffff: 80\n"))
        .hasMessageStartingWith("file.hex:1: the dump ends before 0x04 with 4 bytes, it must have");
    assertThat(problem("10: 00 00 00 00\n"))
        .hasMessageStartingWith(
            "file.hex:1: the dump has only 4 of 256 bytes here, without 0x000-");
  }

  @Test
  void badHexIsQuoted() {
    assertThat(problem("00: 86 8g\n"))
        .hasMessage("file.hex:1: \"8g\" is no byte of two hex digits");
    assertThat(problem("00: 86 8\n")).hasMessage("file.hex:1: \"8\" is no byte of two hex digits");
    assertThat(problem("00000000  86 80 ..\n"))
        .hasMessage("file.hex:1: \"..\" is no byte of two hex digits");
  }

  @Test
  void starNeedsAnOffsetBehindIt() {
    assertThat(problem("00: 86 80 25 0b\n*\n"))
        .hasMessageStartingWith("file.hex:1: the dump ends with \"*\", behind which an offset");
  }

  @Test
  void otherNumbersOfBytesAreRefused() {
    assertThat(problem(lines(CONFIG, 16, "%02x: %s", " ").substring(0, 4 * 52)))
        .hasMessageStartingWith("file.hex:4: the dump has only 64 bytes, which is what `lspci -x`");
    assertThat(problem("86 80\n"))
        .hasMessage(
            "file.hex:1: the dump ends before 0x02 with 2 bytes, it must have 256 or 4096: it is cut"
                + " off; capture it again with `lspci -xxxx` as root");
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
        "a\n",
        "*\n",
        "00: lunch\n",
        "868025 0b2546 0110\n",
        "86:80:25:0b:46:01\n",
        "0x",
        "ff:",
      })
  void otherTextIsNoDump(String text) {
    assertThat(problem(text))
        .hasMessageEndingWith(
            ": is no dump: neither a function line of lspci such as \"00:1f.2 SATA controller\" nor"
                + " hex bytes; capture it with `lspci -xxxx` as root, or name the form with --form:"
                + " raw, lspci, hex, words, groups or coe");
  }

  @ParameterizedTest
  @ValueSource(strings = {"%08x: %s", "%08x  %s", "%2$s", "Offset %03x: %s", "%08x: %s  ....ééé"})
  void lastLineNeedsNoEnd(String format) {
    assertThat(config(lines(CONFIG, 16, format, " ").strip())).isEqualTo(CONFIG);
  }

  @Test
  void repetitionMayEndAtAnyOffsetOfFourDigitsAndMore() {
    assertThat(config("0000  00 00 00 00\n*\n0100")).isEqualTo(ConfigSpace.of(new byte[256]));
    assertThat(problem("0000  00 00 00 00\n*\n100"))
        .hasMessageStartingWith("file.hex:1: the dump ends with \"*\"");
  }

  @Test
  void shortRowThatIsNotDueIsOtherText() {
    String[] lines = lines(CONFIG, 16, "%02x: %s", " ").split("\n", 9);
    lines[3] = "20: 12 34\nff: ab\n" + lines[3];

    assertThat(config(String.join("\n", lines))).isEqualTo(CONFIG);
  }

  @Test
  void offsetWithoutBytesIsDamagedWhereItIsDue() {
    assertThat(problem("00: 86 80 25 0b\n04:"))
        .hasMessage("file.hex:2: \"\" is no byte of two hex digits");
    assertThat(problem("00: 86 80 25 0b\n40:\n"))
        .hasMessageStartingWith("file.hex:1: the dump ends before 0x04");
  }

  @Test
  void linesAreCountedAsEditorsDo() {
    assertThat(problem("00: 86 80 25 0b\r\n\r\n04: 8g"))
        .hasMessageStartingWith("file.hex:3: \"8g\" is");
    assertThat(problem("00: 86 80 25 0b\r\r04: 8g")).hasMessageStartingWith("file.hex:3: ");
    assertThat(problem("00: 86 80 25 0b\n\n04: 8g\n")).hasMessageStartingWith("file.hex:3: ");
  }

  @Test
  void bytesAmongTextCountInLinesOfEightUnlessThereAreNoOthers() {
    String text = "Here:\n" + lines(CONFIG, 8, "%2$s", " ") + "be ad\n";

    assertThat(config(text)).isEqualTo(CONFIG);
    assertThat(problem("Here:\n86 80 25 0b\n"))
        .hasMessageStartingWith("file.hex:2: the dump ends before 0x04 with 4 bytes");
  }

  @Test
  void firstByteZeroIsNoTitleOfColumns() {
    byte[] zero = CONFIG.toByteArray();
    zero[0] = 0;
    ConfigSpace config = ConfigSpace.of(zero);

    assertThat(config(lines(config, 1, "%2$s", " "))).isEqualTo(config);
    assertThat(
            config(
                "00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f\n"
                    + lines(CONFIG, 16, "%2$s", " ")))
        .isEqualTo(CONFIG);
  }

  @Test
  void rowBehindTheSpaceIsTooMuch() {
    assertThat(problem(lines(EXTENDED, 16, "%03x: %s", " ") + "1000: 00 00 00 00\n"))
        .hasMessage("file.hex:257: there are more than the 4096 bytes of a configuration space");
    assertThat(config(lines(EXTENDED, 16, "%03x: %s", " ") + "1001: 00 00 00 00\n"))
        .isEqualTo(EXTENDED);
  }

  @Test
  void nextSpaceOfAFunctionThatIsNamedHasItsAddress() {
    String rows = lines(CONFIG, 16, "%08x: %s", " ");

    assertThat(parse("text", "=> pci display.b 1.2.3 0 100\n" + rows + rows).whole())
        .extracting(function -> function.address().toString())
        .containsExactly("0000:01:02.3", "0000:01:02.3");
  }

  @Test
  void sixteenMarksAreSkippedAndNoMore() {
    String row = "00: 86 80 25 0b\n";

    assertThat(problem(">".repeat(16) + row)).hasMessageContaining("with 4 bytes");
    assertThat(problem(">".repeat(17) + row)).hasMessageContaining("is no dump");
  }
}
