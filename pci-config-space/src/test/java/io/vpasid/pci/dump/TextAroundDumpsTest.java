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

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Dumps with a session, a mail or a patch around them.
class TextAroundDumpsTest {

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
}
