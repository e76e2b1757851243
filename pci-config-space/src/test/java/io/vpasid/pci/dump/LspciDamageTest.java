package io.vpasid.pci.dump;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.vpasid.pci.PciAddress;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/// Two functions, of which one thing at a time is damaged. The first has its function line in line
/// 1, row 0x00 in line 2, row 0xf0 in line 17; line 18 is blank, the second begins in line 19.
class LspciDamageTest {
  private final List<String> lines = intact();

  private static List<String> intact() {
    StringBuilder text = new StringBuilder();
    LspciText.write(
        List.of(
            new HostFunction(new PciAddress(0, 0, 0x1f, 2), "a", new RandomSpaces(1).config(256)),
            new HostFunction(new PciAddress(0, 0, 0x1f, 3), "b", new RandomSpaces(2).config(4096))),
        text);
    return new ArrayList<>(text.toString().lines().toList());
  }

  private DumpException problem() {
    return assertThatExceptionOfType(DumpException.class)
        .isThrownBy(() -> LspciText.parse("machine.txt", String.join("\n", lines)))
        .actual();
  }

  @Test
  void intactTextHasNoProblem() {
    assertThat(LspciText.parse("machine.txt", String.join("\n", lines))).hasSize(2);
  }

  @Test
  void shortRowIsNamed() {
    lines.set(5, lines.get(5).substring(0, 4 + 15 * 3 - 1));

    assertThat(problem())
        .hasMessage(
            "machine.txt:6: row 0x40 of 0000:00:1f.2 has 15 bytes, 16 are needed; capture it again"
                + " with `lspci -xxxx` as root");
    assertThat(problem().source()).isEqualTo("machine.txt");
    assertThat(problem().line()).isEqualTo(6);
    assertThat(problem().problem()).startsWith("row 0x40 of");
  }

  @Test
  void longRowIsNamed() {
    lines.set(5, lines.get(5) + " 00");

    assertThat(problem()).hasMessageStartingWith("machine.txt:6: row 0x40 of 0000:00:1f.2 has 17");
  }

  @Test
  void rowWithoutBytesIsNamed() {
    lines.set(5, "40:");

    assertThat(problem()).hasMessageStartingWith("machine.txt:6: row 0x40 of 0000:00:1f.2 has 0");
  }

  @Test
  void badHexIsQuoted() {
    lines.set(5, lines.get(5).substring(0, 10) + "g0" + lines.get(5).substring(12));

    assertThat(problem())
        .hasMessageStartingWith(
            "machine.txt:6: row 0x40 of 0000:00:1f.2: \"g0\" is no byte of two hex digits; ");
  }

  @Test
  void badHexInTheFirstByteIsQuoted() {
    lines.set(5, "40: zz" + lines.get(5).substring(6));

    assertThat(problem()).hasMessageStartingWith("machine.txt:6: row 0x40 of 0000:00:1f.2: \"zz\"");
  }

  @Test
  void missingRowIsNoticedAtTheNext() {
    lines.remove(5);

    assertThat(problem())
        .hasMessageStartingWith(
            "machine.txt:6: row 0x50 of 0000:00:1f.2 comes where row 0x40 is due: rows are missing"
                + " or out of order; ");
  }

  @Test
  void missingFirstRowIsNoticed() {
    lines.remove(1);

    assertThat(problem()).hasMessageStartingWith("machine.txt:2: row 0x10 of 0000:00:1f.2 comes");
  }

  @Test
  void rowOutOfOrderIsNoticed() {
    lines.add(4, lines.remove(5));

    assertThat(problem()).hasMessageStartingWith("machine.txt:5: row 0x40 of 0000:00:1f.2 comes");
  }

  @Test
  void duplicateRowIsNoticed() {
    lines.add(6, lines.get(5));

    assertThat(problem())
        .hasMessageStartingWith(
            "machine.txt:7: row 0x40 of 0000:00:1f.2 comes again or too late; ");
  }

  @Test
  void offsetBetweenRowsIsNoticed() {
    lines.set(5, "48" + lines.get(5).substring(2));

    assertThat(problem())
        .hasMessageStartingWith(
            "machine.txt:6: row 0x48 of 0000:00:1f.2 is no multiple of 16, row 0x40 is due; ");
  }

  @Test
  void damagedFunctionLineMakesItsRowsComeAgain() {
    lines.set(18, "0000:00:zz.3 b");

    assertThat(problem())
        .hasMessageStartingWith(
            "machine.txt:20: row 0x00 of 0000:00:1f.2 comes again or too late; if another function"
                + " begins here, its first line is missing or damaged; ");
  }

  @Test
  void rowsInFrontOfEveryFunctionLineAreNoticed() {
    lines.remove(0);

    assertThat(problem())
        .hasMessageStartingWith("machine.txt:1: a hex row without a function line such as ");
  }

  @Test
  void headerOnlyNamesTheFunctionAndTheRemedy() {
    lines.subList(5, 17).clear();

    assertThat(problem())
        .hasMessage(
            "machine.txt:1: 0000:00:1f.2 has only 64 bytes, which is what `lspci -x` shows, and"
                + " -xxx and -xxxx without privileges: run `lspci -xxxx` as root");
  }

  @Test
  void missingLastRowsAreNoticed() {
    lines.subList(16, 17).clear();

    assertThat(problem())
        .hasMessage(
            "machine.txt:16: 0000:00:1f.2 ends after row 0xe0 with 240 bytes, it must have 256 or"
                + " 4096: the dump is cut off; capture it again with `lspci -xxxx` as root");
  }

  @Test
  void extendedSpaceMayNotEndEarly() {
    lines.subList(lines.size() - 2, lines.size()).clear();

    assertThat(problem())
        .hasMessageStartingWith(
            "machine.txt:" + lines.size() + ": 0000:00:1f.3 ends after row 0xfe0 with 4080 bytes");
  }

  @Test
  void fileThatEndsBehindAFunctionLineIsCutOff() {
    lines.subList(19, lines.size()).clear();

    assertThat(problem())
        .hasMessageStartingWith(
            "machine.txt:19: the file ends before the hex rows of 0000:00:1f.3: it is cut off; ");
  }

  @Test
  void listWithoutRowsIsNoDump() {
    lines.removeIf(line -> !line.startsWith("0000:"));

    assertThat(problem())
        .hasMessage(
            "machine.txt:1: 2 functions are listed, but without hex rows; capture it with `lspci"
                + " -xxxx` as root");
  }

  @Test
  void textWithoutFunctionLinesIsNoDump() {
    lines.removeIf(line -> line.startsWith("0000:"));

    assertThat(problem())
        .hasMessage(
            "machine.txt: has no function line such as \"00:1f.2 SATA controller\" in it: capture"
                + " it with `lspci -xxxx` as root");
  }

  @Test
  void domainBeyondItsRangeIsNoFunctionLine() {
    lines.set(0, "80000000:00:1f.2 a");

    assertThat(problem()).hasMessageStartingWith("machine.txt:2: a hex row without");
  }

  @Test
  void whatIsQuotedCannotDriveATerminal() {
    lines.set(5, "40: \u001b[2J" + lines.get(5).substring(6));

    assertThat(problem().getMessage()).doesNotContain("\u001b").contains("\"[2J\"");
  }
}
