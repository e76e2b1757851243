package io.vpasid.pci.dump;

import static io.vpasid.pci.dump.DumpTexts.LARGE;
import static io.vpasid.pci.dump.DumpTexts.SMALL;
import static io.vpasid.pci.dump.DumpTexts.config;
import static io.vpasid.pci.dump.DumpTexts.format;
import static io.vpasid.pci.dump.DumpTexts.hex;
import static io.vpasid.pci.dump.DumpTexts.hexdump;
import static io.vpasid.pci.dump.DumpTexts.problem;
import static io.vpasid.pci.dump.DumpTexts.read;
import static io.vpasid.pci.dump.DumpTexts.rows;
import static io.vpasid.pci.dump.DumpTexts.xxd;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import io.vpasid.pci.ConfigSpace;
import io.vpasid.pci.dump.DumpTexts.Sized;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// Rows of one function: in any order, again, repeated by a star, damaged, left out.
class CapturedRowsTest {

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
}
