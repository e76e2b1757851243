package io.vpasid.pci.dump;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.vpasid.pci.ByteRange;
import io.vpasid.pci.PciAddress;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/// Two functions, of which one thing at a time is damaged: the other one is used all the same. The
/// first has its function line in line 1, row 0x00 in line 2, row 0xf0 in line 17; line 18 is
/// blank, the second begins in line 19.
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

  private Dump dump() {
    return LspciText.open("machine.txt", String.join("\n", lines));
  }

  /// Of the only function that is damaged; the other one is whole.
  private IncompleteFunction incomplete() {
    Dump dump = dump();
    assertThat(dump.functions()).hasSize(1);
    assertThat(dump.incomplete()).hasSize(1);
    return dump.incomplete().getFirst();
  }

  private DumpException problem() {
    return incomplete().toException();
  }

  private DumpException refusal() {
    return assertThatExceptionOfType(DumpException.class).isThrownBy(() -> dump().whole()).actual();
  }

  @Test
  void intactTextHasNoProblem() {
    assertThat(dump().functions()).hasSize(2);
    assertThat(dump().incomplete()).isEmpty();
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
            "machine.txt:6: 0000:00:1f.2 has only 240 of 256 bytes here, without 0x040-0x04f: rows"
                + " were left out, or are damaged or out of order; ");
  }

  @Test
  void missingFirstRowIsNoticed() {
    lines.remove(1);

    assertThat(problem()).hasMessageStartingWith("machine.txt:2: 0000:00:1f.2 has only 240 of");
  }

  @Test
  void rowOutOfOrderIsNoticed() {
    lines.add(4, lines.remove(5));

    assertThat(problem()).hasMessageStartingWith("machine.txt:6: row 0x30 of 0000:00:1f.2 comes");
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
  void rowsBehindADamagedFunctionLineAreNobodys() {
    lines.set(18, "0000:00:zz.3 b");

    assertThat(problem())
        .hasMessage(
            "machine.txt:20: a hex row without a function line such as \"00:1f.2 SATA controller\""
                + " in front of it; the function's first line is missing or damaged; capture it"
                + " again with `lspci -xxxx` as root");
    assertThat(dump().functions().getFirst().description()).isEqualTo("a");
    assertThat(incomplete().present().known()).isEqualTo(4096);
  }

  @Test
  void rowsInFrontOfEveryFunctionLineAreNobodys() {
    lines.remove(0);

    assertThat(problem())
        .hasMessageStartingWith("machine.txt:1: a hex row without a function line such as ");
    assertThat(dump().functions().getFirst().description()).isEqualTo("b");
  }

  @Test
  void headerOnlyOfOneFunctionIsNoLackOfPrivileges() {
    lines.subList(5, 17).clear();

    assertThat(problem())
        .hasMessage(
            "machine.txt:1: 0000:00:1f.2 has only 64 bytes, though other functions of the dump have"
                + " more: its other rows were left out, or the device did not answer; capture it"
                + " again with `lspci -xxxx` as root");
  }

  @Test
  void headersOnlyNameTheFunctionAndTheRemedy() {
    lines.subList(23, lines.size()).clear();
    lines.subList(5, 17).clear();

    assertThat(refusal())
        .hasMessage(
            "machine.txt:1: 0000:00:1f.2 has only 64 bytes, which is what `lspci -x` shows, and"
                + " -xxx and -xxxx without privileges: run `lspci -xxxx` as root; so it is with 2"
                + " functions, and none is there as a whole");
    assertThat(dump().incomplete()).hasSize(2);
  }

  @Test
  void loneOffsetBehindTheLastRowSpoilsItsFunctionAlone() {
    lines.add(17, "100:");

    assertThat(problem())
        .hasMessageStartingWith("machine.txt:18: row 0x100 of 0000:00:1f.2 has 0 bytes, 16 are");
  }

  @Test
  void rowsThatAreLeftOutAreNamedAndTheOthersAreKept() {
    lines.subList(40, 80).clear();
    lines.subList(60, 70).clear();

    IncompleteFunction function = incomplete();
    assertThat(function.problem())
        .startsWith(
            "0000:00:1f.3 has only 3296 of 4096 bytes here, without 0x150-0x3cf, 0x510-0x5af: rows"
                + " were left out");
    assertThat(function.present().missing())
        .containsExactly(ByteRange.between(0x150, 0x3d0), ByteRange.between(0x510, 0x5b0));
    assertThat(function.present().withZeros().id()).isEqualTo(function.id());
  }

  @Test
  void missingLastRowsAreNoticed() {
    lines.subList(16, 17).clear();

    assertThat(problem())
        .hasMessage(
            "machine.txt:16: 0000:00:1f.2 ends before 0xf0 with 240 bytes, it must have 256 or 4096:"
                + " it is cut off; capture it again with `lspci -xxxx` as root");
  }

  @Test
  void extendedSpaceMayNotEndEarly() {
    lines.subList(lines.size() - 2, lines.size()).clear();

    assertThat(problem())
        .hasMessageStartingWith(
            "machine.txt:" + lines.size() + ": 0000:00:1f.3 ends before 0xff0 with 4080 bytes");
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

    assertThat(refusal())
        .hasMessage(
            "machine.txt:1: 2 functions are listed, but without hex rows; capture it with `lspci"
                + " -xxxx` as root");
  }

  @Test
  void textWithoutFunctionLinesIsNoDump() {
    lines.removeIf(line -> line.startsWith("0000:"));

    assertThat(refusal())
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
