package io.vpasid.pci.dump;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.tuple;

import io.vpasid.pci.ConfigSpace;
import io.vpasid.pci.PciAddress;
import io.vpasid.pci.dump.FormFiles.FormFile;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.IntFunction;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Dumps as people have them: made by all kinds of tools, with a session, a mail or a patch around
/// them.
class DumpFormsTest {
  private static final ConfigSpace SMALL = new RandomSpaces(21).config(256);
  private static final ConfigSpace LARGE = new RandomSpaces(22).config(4096);

  private static String hex(ConfigSpace config, int at, int count, String between) {
    return HexFormat.ofDelimiter(between).formatHex(config.toByteArray(), at, at + count);
  }

  /// A line for each 16 bytes.
  private static String rows(ConfigSpace config, IntFunction<String> line) {
    return IntStream.iterate(0, at -> at < config.size(), at -> at + 16)
        .mapToObj(line)
        .collect(Collectors.joining("\n", "", "\n"));
  }

  @SuppressWarnings("AnnotateFormatMethod") // its annotations are no library of the tests
  private static String format(String format, Object... values) {
    return String.format(Locale.ROOT, format, values);
  }

  private static String hexdump(ConfigSpace config) {
    return rows(
        config,
        at ->
            format(
                "%08x  %s  %s  |................|",
                at, hex(config, at, 8, " "), hex(config, at + 8, 8, " ")));
  }

  private static String xxd(ConfigSpace config) {
    return rows(config, at -> format("%08x: %s  ................", at, hex(config, at, 16, " ")));
  }

  private static String numbers(ConfigSpace config, int at) {
    return IntStream.range(0, 4)
        .mapToObj(i -> format("%08x", config.u32(at + 4 * i)))
        .collect(Collectors.joining(" "));
  }

  private static List<HostFunction> read(String text) {
    return Dumps.parse("text", text.getBytes(UTF_8));
  }

  private static ConfigSpace config(String text) {
    assertThat(read(text)).hasSize(1);
    return read(text).getFirst().config();
  }

  private static ConfigSpace config(String text, DumpForm form) {
    return Dumps.open("text", text.getBytes(UTF_8), Optional.of(form)).whole().getFirst().config();
  }

  private static DumpException problem(String text) {
    return assertThatExceptionOfType(DumpException.class).isThrownBy(() -> read(text)).actual();
  }

  @SuppressWarnings("ImmutableEnumChecker") // a configuration space never changes
  enum Sized {
    SMALL_SPACE(SMALL),
    LARGE_SPACE(LARGE);

    private final ConfigSpace config;

    Sized(ConfigSpace config) {
      this.config = config;
    }
  }

  static List<FormFile> files() {
    return FormFiles.all();
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("files")
  void everyFileHasTheSameFunction(FormFile file) {
    ConfigSpace raw =
        ConfigSpace.of(
            files().stream()
                .filter(f -> f.name().equals("raw.config"))
                .findFirst()
                .orElseThrow()
                .content());

    Dump dump = Dumps.open(file.name(), file.content(), file.form());

    if (file.name().equals("trimmed.txt")) {
      assertThat(dump.incomplete()).hasSize(1);
      assertThat(dump.incomplete().getFirst().present().withZeros()).isEqualTo(raw);
    } else {
      assertThat(dump.functions()).singleElement().extracting(HostFunction::config).isEqualTo(raw);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"> ", "> > ", ">> ", ">", "+", "| ", "host: > ", "> > > "})
  void functionLineBehindMarksOfQuotesAndPatchesNamesTheFunction(String mark) {
    String text =
        "01:00.0 NVMe\n" + rows(SMALL, at -> format("%02x: %s", at, hex(SMALL, at, 16, " ")));

    List<HostFunction> functions = read("X wrote:\n" + text.replaceAll("(?m)^(?=.)", mark));

    assertThat(functions)
        .extracting(f -> f.address().toString(), HostFunction::config)
        .containsExactly(tuple("0000:01:00.0", SMALL));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "This is the SSD:\n%s",
        "root@host:~# hexdump -C /sys/bus/pci/devices/0000:3b:00.0/config\n%sroot@host:~# \n",
        "Some text.\n```\n$ sudo xxd config\n%s```\nMore text, dead beef: 12.\n",
        "Begin: 00 it begins\n%s\n00: lunch\n1234 words follow\n",
      })
  void textAroundHexIsSkipped(String around) {
    assertThat(config(format(around, hexdump(SMALL)))).isEqualTo(SMALL);
    assertThat(config(format(around, xxd(LARGE)))).isEqualTo(LARGE);
  }

  @Test
  void textBetweenLinesIsSkipped() {
    String[] lines = hexdump(SMALL).split("\n");
    lines[5] = "[ 12.345] nvme0: timeout\n" + lines[5];

    assertThat(config(String.join("\n", lines))).isEqualTo(SMALL);
  }

  @ParameterizedTest
  @ValueSource(strings = {"> ", "> > ", ">> ", ">", "+", "| ", "    ", "> +"})
  void marksOfQuotesAndPatchesAreSkipped(String mark) {
    assertThat(config(hexdump(SMALL).replaceAll("(?m)^(?=.)", mark))).isEqualTo(SMALL);
    assertThat(config(xxd(LARGE).replaceAll("(?m)^(?=.)", mark))).isEqualTo(LARGE);
    String bare = rows(SMALL, at -> hex(SMALL, at, 16, " "));
    assertThat(config("On Monday X wrote:\n" + bare.replaceAll("(?m)^(?=.)", mark)))
        .isEqualTo(SMALL);
  }

  @Test
  void bareBytesAmongTextAreThoseOfLongLines() {
    String bytes = rows(SMALL, at -> hex(SMALL, at, 16, " "));

    assertThat(config("Face\nHere it is:\n" + bytes + "be ad\n")).isEqualTo(SMALL);
  }

  @ParameterizedTest
  @EnumSource
  void rowsWithLongOffsetsBelowAFunctionLineAreItsOwn(Sized sized) {
    ConfigSpace c = sized.config;

    for (String rows :
        List.of(
            xxd(c),
            hexdump(c),
            rows(c, at -> format("%04x: %s", at, hex(c, at, 16, " "))),
            rows(c, at -> format("%08x: %s", at, hex(c, at, 16, " "))))) {
      assertThat(read("01:00.0 NVMe\n" + rows + "\n02:00.0 other\n" + rows))
          .extracting(f -> f.address().toString(), HostFunction::description, HostFunction::config)
          .containsExactly(tuple("0000:01:00.0", "NVMe", c), tuple("0000:02:00.0", "other", c));
    }
  }

  @Test
  void starBelowAFunctionLineRepeats() {
    String text =
        """
        01:00.0 NVMe
        00000000  86 80 25 0b 46 01 10 00  00 00 80 08 00 00 00 00  |................|
        00000010  00 00 00 00 00 00 00 00  00 00 00 00 00 00 00 00  |................|
        *
        00000100
        """;

    assertThat(config(text).u32(0)).isEqualTo(0x0b258086);
    assertThat(config(text).size()).isEqualTo(256);
  }

  @Test
  void starBelowAFunctionLineNeedsAnOffsetBehindIt() {
    String row = "00000000  86 80 25 0b 46 01 10 00  00 00 80 08 00 00 00 00  |................|\n";

    assertThat(problem("01:00.0 NVMe\n" + row + "*\n"))
        .hasMessageStartingWith("text:2: the dump ends with \"*\"");
    assertThat(config("01:00.0 NVMe\n" + row + "*\n00001000\n").size()).isEqualTo(4096);
  }

  @Test
  void damagedRowOfAnotherToolIsNamed() {
    String damaged = xxd(SMALL).replaceFirst("00000020: ..", "00000020: zz");

    assertThat(problem("01:00.0 NVMe\n" + damaged))
        .hasMessageStartingWith("text:4: \"zz\" is no byte of two hex digits; capture it again");
  }

  @Test
  void rowsOfAnotherToolBehindTheSpaceAreOtherText() {
    String text = "01:00.0 NVMe\n" + xxd(LARGE) + "00001000: 00 00 00 00\n00000ffc: 1 2 3 4 5\n";

    assertThat(config(text)).isEqualTo(LARGE);
  }

  @Test
  void bareBytesBelowAFunctionLineAreRead() {
    assertThat(config("01:00.0 NVMe\n" + rows(SMALL, at -> hex(SMALL, at, 16, " "))))
        .isEqualTo(SMALL);
  }

  @Test
  void rowsMayComeInAnyOrderAndAgain() {
    String[] lines = hexdump(LARGE).split("\n");
    String second = lines[1];
    lines[1] = lines[200];
    lines[200] = second + "\n" + lines[3];

    assertThat(config(String.join("\n", lines))).isEqualTo(LARGE);
  }

  @Test
  void rowThatComesAgainWithAnotherByteIsDamage() {
    String[] lines = hexdump(SMALL).split("\n");
    lines[9] = lines[9] + "\n" + lines[2].replaceFirst("  ..", "  00") + "\n" + lines[1];

    assertThat(problem(String.join("\n", lines)))
        .hasMessageStartingWith(
            "text:11: offset 0x20 comes again with another byte; if another function begins here,"
                + " the line that names it is missing or damaged; ");
  }

  @Test
  void missingRowsAreNamedUpToFourRuns() {
    String[] rows = ("B01 D02 F03: A card\n" + xxd(SMALL)).split("\n");
    rows[2] = rows[4] = rows[6] = rows[8] = "";
    String four = String.join("\n", rows);
    rows[10] = rows[12] = "";

    assertThat(problem(four))
        .hasMessageStartingWith(
            "text:4: 0000:01:02.3 has only 192 of 256 bytes here, without 0x010-0x01f, 0x030-0x03f,"
                + " 0x050-0x05f, 0x070-0x07f: rows were left out");
    assertThat(problem(String.join("\n", rows)))
        .hasMessageContaining(", 0x070-0x07f and 2 more runs: rows were left out");
  }

  @ParameterizedTest
  @EnumSource
  void uefiShellNamesTheFunction(Sized sized) {
    ConfigSpace c = sized.config;
    String rows =
        rows(
            c,
            at ->
                format(
                    "  %08X: %s-%s  *................*",
                    at, hex(c, at, 8, " "), hex(c, at + 8, 8, " ")));

    HostFunction function =
        read("Shell> pci 6a 1 0 -i\n  PCI Segment 00 Bus 6A Device 01 Func 00 [EFI 006A010000]\n"
                + rows
                + "\n  Vendor ID(0): 8086   Device ID(2): 0B25\n")
            .getFirst();

    assertThat(function.config()).isEqualTo(c);
    assertThat(function.address()).isEqualTo(new PciAddress(0, 0x6a, 1, 0));
  }

  @Test
  void ubootHasOffsetsOfMemoryOrOfTheSpace() {
    String md =
        rows(
            LARGE,
            at ->
                format("%08x: %s    ................", 0xe0000000L + at, hex(LARGE, at, 16, " ")));
    String display = rows(SMALL, at -> format("%08x: %s", at, hex(SMALL, at, 16, " ")));

    assertThat(config("=> md.b e0000000 1000\n" + md + "=> \n")).isEqualTo(LARGE);
    assertThat(read("=> pci display.b 1.2.3 0 100\n" + display + "=> ").getFirst().address())
        .isEqualTo(new PciAddress(0, 1, 2, 3));
  }

  @Test
  void aida64NamesFunctionsAndGroupsFourBytes() {
    IntFunction<String> line =
        at ->
            format(
                "      Offset %03X:  %s  %s  %s  %s ",
                at,
                hex(LARGE, at, 4, " "),
                hex(LARGE, at + 4, 4, " "),
                hex(LARGE, at + 8, 4, " "),
                hex(LARGE, at + 12, 4, " "));
    String text =
        "------[ PCI ]------\n\n    B00 D1F F03:  A bridge\n                  \n"
            + rows(LARGE, line).toUpperCase(Locale.ROOT)
            + "\n    B01 D00 F00:  A card\n\n"
            + rows(LARGE, line);

    assertThat(read(text))
        .extracting(f -> f.address().toString())
        .containsExactly("0000:00:1f.3", "0000:01:00.0");
    assertThat(read(text)).allSatisfy(f -> assertThat(f.config()).isEqualTo(LARGE));
    assertThat(read(text).getFirst().description()).isEqualTo("A bridge");
  }

  @Test
  void cpuZPartsColumnsWithTabs() {
    String text =
        "PCI Device\n\tbus 2 (0x02), device 31 (0x1F), function 3 (0x03)\n\n\tPCI Registers\n"
            + "\t\t00\t01\t02\t03\t04\t05\t06\t07\t08\t09\t0A\t0B\t0C\t0D\t0E\t0F\n"
            + rows(SMALL, at -> format("\t%02X\t%s", at, hex(SMALL, at, 16, "\t")));

    assertThat(config(text)).isEqualTo(SMALL);
    assertThat(read(text).getFirst().address()).isEqualTo(new PciAddress(0, 2, 0x1f, 3));
  }

  @ParameterizedTest
  @EnumSource
  void pcileechHasACharacterColumnWithoutMarks(Sized sized) {
    ConfigSpace c = sized.config;
    String text =
        rows(
            c,
            at ->
                format(
                    "%04x    %s  %s   86 80 ..J.dead.",
                    at, hex(c, at, 8, " "), hex(c, at + 8, 8, " ")));

    assertThat(config("[*] PCIe config:\n" + text)).isEqualTo(c);
  }

  @Test
  void eightBytesAndTwoBlanksAreNoCharacterColumn() {
    String text =
        rows(
            SMALL,
            at ->
                format(
                    "%04x: %s  %s  ................",
                    at, hex(SMALL, at, 8, " "), hex(SMALL, at + 8, 8, " ")));

    assertThat(config(text)).isEqualTo(SMALL);
  }

  @Test
  void openBsdPrintsNumbersBelowItsHeading() {
    String rows = rows(LARGE, at -> format("\t0x%04x: %s", at, numbers(LARGE, at)));
    String text = "Domain /dev/pci0:\n 0:31:2: Intel SATA\n" + rows + " 1:0:0: NVMe\n" + rows;

    assertThat(read(text))
        .extracting(f -> f.address().toString())
        .containsExactly("0000:00:1f.2", "0000:01:00.0");
    assertThat(read(text)).allSatisfy(f -> assertThat(f.config()).isEqualTo(LARGE));
    assertThat(problem(rows)).hasMessageContaining("--form words");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "pcidev@pci0:256:0:0:",
        "pcidev@pci0:0:32:0:",
        "pcidev@pci0:0:0:8:",
        " 256:0:0: a card",
      })
  void headingOfNoFunctionNamesNone(String heading) {
    assertThat(read(heading + "\n" + xxd(SMALL)).getFirst().address())
        .isEqualTo(new PciAddress(0, 0, 0, 0));
  }

  @Test
  void headingMayNameTheLastFunctionOfItsDomain() {
    assertThat(read("x@pci7:255:31:7: a card\n" + xxd(SMALL)).getFirst())
        .extracting(HostFunction::address, HostFunction::description)
        .containsExactly(new PciAddress(7, 255, 31, 7), "a card");
  }

  @Test
  void headingHas400CharactersAtMost() {
    String heading = "pcidev@pci0:1:2:3: ";

    assertThat(read(heading + "x".repeat(381) + "\n" + xxd(SMALL)).getFirst().address().bus())
        .isEqualTo(1);
    assertThat(read(heading + "x".repeat(382) + "\n" + xxd(SMALL)).getFirst().address().bus())
        .isZero();
    assertThat(read(" 1:2:3: \n" + xxd(SMALL)).getFirst().address().bus()).isEqualTo(1);
  }

  @Test
  void numbersAreReadWhereTheFormIsNamed() {
    String pciconf = rows(SMALL, at -> numbers(SMALL, at) + (at % 32 == 16 ? "  " : ""));
    String display = rows(LARGE, at -> format("%08x: %s", at, numbers(LARGE, at)));
    String halves =
        rows(
            SMALL,
            at ->
                format("%07x", at)
                    + IntStream.range(0, 8)
                        .mapToObj(i -> format(" %04x", SMALL.u16(at + 2 * i)))
                        .collect(Collectors.joining()));

    for (String text : List.of(pciconf, display, halves)) {
      assertThat(problem(text)).hasMessageContaining("--form words (numbers, ");
    }
    assertThat(config("nvme0@pci0:1:0:0:\n" + pciconf, DumpForm.WORDS)).isEqualTo(SMALL);
    assertThat(config("=> pci display.l 1.0.0 0 400\n" + display, DumpForm.WORDS)).isEqualTo(LARGE);
    assertThat(config(halves, DumpForm.WORDS)).isEqualTo(SMALL);
  }

  @Test
  void groupsAreReadWhereTheFormIsNamed() {
    String text =
        rows(
            SMALL,
            at ->
                format(
                    "%08x: %s %s %s %s  ................",
                    at,
                    hex(SMALL, at, 4, ""),
                    hex(SMALL, at + 4, 4, ""),
                    hex(SMALL, at + 8, 4, ""),
                    hex(SMALL, at + 12, 4, "")));

    assertThat(problem(text)).hasMessageContaining("or --form groups (groups of bytes");
    assertThat(config(text, DumpForm.GROUPS)).isEqualTo(SMALL);
  }

  @Test
  void coeHasWordsInTheOrderOfTheSpace() {
    String words =
        IntStream.iterate(0, at -> at < 4096, at -> at + 4)
            .mapToObj(at -> hex(LARGE, at, 4, ""))
            .collect(Collectors.joining(",\n"));
    String text =
        "; made for a test\nmemory_initialization_radix=16;\nmemory_initialization_vector=\n; 0000\n"
            + words
            + ";\n";

    assertThat(config(text)).isEqualTo(LARGE);
    assertThat(config(text.replace(",\n", ", ").toUpperCase(Locale.ROOT))).isEqualTo(LARGE);
    assertThat(problem(text.replace("=16", "=2")))
        .hasMessage("text:2: memory_initialization_radix is 2: only 16 is read");
    assertThat(problem(text.replaceFirst("[0-9a-f]{8},", "86,")))
        .hasMessage("text:5: \"86\" is no word of 32 bits in 8 hex digits");
    assertThat(problem(text.replace(words, "")))
        .hasMessageEndingWith("memory_initialization_vector has no words");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "memory_initialization_vector=",
        "Memory_Initialization_VECTOR \t\n=",
        "memory_initialization_vectors memory_initialization_vector=",
        "memory_initialization_memory_initialization_vector="
      })
  void coeIsKnownByItsKeyWhereverThatStands(String key) {
    String words = "\n86 80 00 00;\n";

    for (int before = 0; before < 60; before++) {
      assertThat(problem("m".repeat(before) + key + words))
          .as("%d characters before the key", before)
          .hasMessageContaining("is no word of 32 bits in 8 hex digits");
    }
    int last = (64 << 10) - key.length();
    assertThat(problem("-".repeat(last) + key + words)).hasMessageContaining("is no word");
    assertThat(problem("-".repeat(last + 1) + key + words)).hasMessageContaining("is no dump");
    assertThat(problem(key.replaceAll("(?i)r\\s*=", "r:") + words))
        .hasMessageContaining("is no dump");
  }

  @Test
  void quotedPrintableMailIsDecoded() {
    String rows = rows(SMALL, at -> format("%03x: %s=0A=", at, hex(SMALL, at, 16, " ")));
    String wrapped =
        rows(
            SMALL,
            at -> format("%08x: %s =\n =3D............%n", at, hex(SMALL, at, 16, " ")).strip());

    assertThat(config(rows)).isEqualTo(SMALL);
    assertThat(config("01:00.0 VGA=20\n" + rows)).isEqualTo(SMALL);
    assertThat(config(wrapped)).isEqualTo(SMALL);
  }

  @Test
  void rowsOfLspciInAMailAreLeftAsTheyAre() {
    String rows =
        rows(LARGE, at -> format(at < 256 ? "%02x: %s" : "%03x: %s", at, hex(LARGE, at, 16, " ")));
    String text = "01:00.0 VGA=20compatible: X=2E\n" + "\tMemory [size=3D16M]=20\n".repeat(3);

    assertThat(read(text + rows))
        .singleElement()
        .satisfies(function -> {
          assertThat(function.description()).isEqualTo("VGA compatible: X.");
          assertThat(function.config()).isEqualTo(LARGE);
        });
    assertThat(read(text + rows + text.replace("01:", "02:") + rows))
        .extracting(HostFunction::description)
        .containsOnly("VGA compatible: X.");
    // Seven signs are too few, and so is one that is none behind the rows.
    assertThat(read(text.replaceFirst("=20\n", "\n") + rows))
        .extracting(HostFunction::description)
        .containsExactly("VGA=20compatible: X=2E");
    assertThat(read(text + rows + "a=b\n"))
        .extracting(HostFunction::description)
        .containsExactly("VGA=20compatible: X=2E");
  }

  @Test
  void problemInAMailIsNamedByTheLineOfTheMail() {
    String rows = rows(SMALL, at -> format("%03x: %s=20=\n=0A=", at, hex(SMALL, at, 16, " ")));
    String damaged = rows.replaceFirst("040: [0-9a-f]{2}", "040: xx");

    assertThat(problem(damaged)).hasMessageStartingWith("text:9: \"xx\" is no byte");
  }

  @Test
  void signsOfEqualityAloneMakeNoMail() {
    String text =
        "01:00.0 VGA\n"
            + "\tMemory at f0000000 (32-bit, non-prefetchable) [size=16]\n".repeat(9)
            + rows(SMALL, at -> format("%02x: %s", at, hex(SMALL, at, 16, " ")));

    assertThat(config(text)).isEqualTo(SMALL);
  }

  @Test
  void severalDumpsOneBehindTheOtherAreSeveralFunctions() {
    assertThat(read(hexdump(SMALL) + "\n" + xxd(LARGE)))
        .extracting(HostFunction::config)
        .containsExactly(SMALL, LARGE);
  }

  @Test
  void oneBadFunctionDoesNotSpoilTheOthers() {
    String good = rows(SMALL, at -> format("%02x: %s", at, hex(SMALL, at, 16, " ")));
    Dump dump =
        Dumps.open(
            "f",
            ("01:00.0 X\n" + good + "\n02:00.0 Y\n" + good + "100:\n").getBytes(UTF_8),
            Optional.empty());

    assertThat(dump.at(new PciAddress(0, 1, 0, 0)))
        .singleElement()
        .extracting(HostFunction::config)
        .isEqualTo(SMALL);
    assertThat(dump.at(new PciAddress(0, 3, 0, 0))).isEmpty();
    assertThatExceptionOfType(DumpException.class)
        .isThrownBy(() -> dump.at(new PciAddress(0, 2, 0, 0)))
        .withMessageStartingWith("f:36: row 0x100 of 0000:02:00.0 has 0 bytes, 16 are needed; ");
  }

  @Test
  void formsHaveNamesInLowerCase() {
    assertThat(DumpForm.names()).isEqualTo("raw, lspci, hex, words, groups or coe");
    assertThat(DumpForm.GROUPS).hasToString("groups");
  }

  @ParameterizedTest
  @EnumSource
  void formThatIsNamedIsTheOnlyOneTried(DumpForm form) {
    assertThatExceptionOfType(DumpException.class)
        .isThrownBy(() -> Dumps.open("text", "no dump\n".getBytes(UTF_8), Optional.of(form)))
        .withMessageStartingWith("text");
  }
}
