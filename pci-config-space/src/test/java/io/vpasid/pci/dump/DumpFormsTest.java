package io.vpasid.pci.dump;

import static io.vpasid.pci.dump.DumpTexts.LARGE;
import static io.vpasid.pci.dump.DumpTexts.SMALL;
import static io.vpasid.pci.dump.DumpTexts.config;
import static io.vpasid.pci.dump.DumpTexts.format;
import static io.vpasid.pci.dump.DumpTexts.hex;
import static io.vpasid.pci.dump.DumpTexts.hexdump;
import static io.vpasid.pci.dump.DumpTexts.numbers;
import static io.vpasid.pci.dump.DumpTexts.problem;
import static io.vpasid.pci.dump.DumpTexts.read;
import static io.vpasid.pci.dump.DumpTexts.rows;
import static io.vpasid.pci.dump.DumpTexts.xxd;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.vpasid.pci.ConfigSpace;
import io.vpasid.pci.PciAddress;
import io.vpasid.pci.dump.DumpTexts.Sized;
import io.vpasid.pci.dump.FormFiles.FormFile;
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

/// Dumps as people have them: made by all kinds of tools.
class DumpFormsTest {

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
