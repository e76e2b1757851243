package io.vpasid.guest.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// What commands do with dumps of which a function, or rows of one, cannot be used.
class IncompleteDumpTest {
  private static final int ROWS = 257;

  @TempDir private Path folder;

  /// Two functions of 4096 bytes: 17:00.0 in the lines 1 to 257, 17:00.1 from line 259 on.
  private final List<String> lines = new ArrayList<>();

  @BeforeEach
  void readDemo() throws IOException {
    lines.addAll(Files.readAllLines(Inputs.demo(folder)));
  }

  private Path dump() throws IOException {
    return Files.write(folder.resolve("machine.txt"), lines);
  }

  /// The second function stops behind row f0, with a lone offset.
  private Path secondIsBad() throws IOException {
    lines.subList(ROWS + 1 + 17, lines.size()).clear();
    lines.add("100:");
    return dump();
  }

  /// Of the second function alone, the rows that are not all zero.
  private Path trimmed() throws IOException {
    lines.subList(0, ROWS + 1).clear();
    lines.removeIf(line -> line.matches("[0-9a-f]+:( 00){16}"));
    return dump();
  }

  @Test
  void otherFunctionIsPlannedAndTheBadOneIsNoted() throws IOException {
    Path file = secondIsBad();

    Run all = Run.of("plan", file.toString(), "--hw-info", "width=20");
    Run picked = Run.of("plan", file.toString(), "--function", "17:00.0", "--hw-info", "width=20");

    assertThat(all.code()).isZero();
    assertThat(all.out()).contains("0000:17:00.0").doesNotContain("0000:17:00.1");
    assertThat(all.err())
        .startsWith("vpasid: note: left out: " + file + ":276: row 0x100 of 0000:17:00.1 has 0 ");
    assertThat(picked.code()).isZero();
    assertThat(picked.err()).isEmpty();
  }

  @Test
  void functionThatIsAskedForAndBadIsAnError() throws IOException {
    Path file = secondIsBad();

    Run run = Run.of("plan", file.toString(), "--function", "17:00.1");

    assertThat(run.code()).isEqualTo(2);
    assertThat(run.err()).startsWith("vpasid: " + file + ":276: row 0x100 of 0000:17:00.1 has 0 ");
  }

  /// A capture that is named to be compared with, and is not, has to be told.
  @Test
  void otherCapturesThatAreNotWholeAreNoted() throws IOException {
    String demo = Inputs.demo(Files.createDirectory(folder.resolve("demo"))).toString();
    String bad = secondIsBad().toString();

    for (String command : new String[] {"plan", "inspect", "scan"}) {
      Run run = Run.of(command, demo, "--hw-info", "width=20", "--also", bad);
      assertThat(run.code()).isZero();
      assertThat(run.err())
          .contains("vpasid: note: left out: " + bad + ":276: row 0x100 of 0000:17:00.1 has 0 ");
    }
  }

  @Test
  void whereNoFunctionIsWholeTheirNumberIsTold() throws IOException {
    lines.removeIf(line -> line.startsWith("100:"));

    assertThat(Run.of("plan", dump().toString()).err())
        .contains("; so it is with 2 functions, and none is there as a whole");
  }

  @Test
  void scanCountsTheFunctionsThatAreThere() throws IOException {
    Path file = secondIsBad();

    Run run = Run.of("scan", file.toString(), "--hw-info", "width=20");

    assertThat(run.code()).isZero();
    assertThat(run.out()).contains("       1  files", "       1  functions");
    assertThat(run.err()).startsWith("vpasid: note: left out: " + file + ":276: ");
  }

  @Test
  void planOfATrimmedDumpSaysWhatIsMissing() throws IOException {
    Run run = Run.of("plan", trimmed().toString());

    assertThat(run.code()).isEqualTo(2);
    assertThat(run.err())
        .contains(
            "0000:17:00.1 has only 176 of 4096 bytes here, without 0x010-0x01f, 0x050-0x05f,"
                + " 0x070-0x07f, 0x090-0x0ff and 2 more runs: rows were left out");
  }

  @Test
  void inspectShowsWhatATrimmedDumpHas() throws IOException {
    Run run = Run.of("inspect", trimmed().toString());

    assertThat(run.code()).isZero();
    assertThat(run.out())
        .contains(
            "176 of 4096 bytes are in the dump",
            "no vPASID: any byte that is not in the dump may be live",
            "010  ???? ???? ???? ????\n",
            "? not in the dump",
            "  D  0x148-0x14f       8        1  Alternative Routing-ID",
            "     0x160-0xfef    3728");
  }

  @Test
  void jsonOfATrimmedDumpNamesTheRanges() throws IOException {
    String file = trimmed().toString();

    Run run = Run.of("inspect", file, "--json");

    assertThat(run.out()).contains("\"bytesInDump\" : 176", "\"notInDump\" : [");
    assertThat(Run.of("inspect", file, "--format", "svg").out()).contains("<svg");
  }

  @Test
  void headerThatIsNotInTheDumpEndsTheList() throws IOException {
    lines.subList(0, ROWS + 1).clear();
    lines.removeIf(line -> line.startsWith("140:"));

    Run run = Run.of("inspect", dump().toString());

    assertThat(run.out())
        .contains("at 0x148: the capability at 0x100 leads here, and this is not in the dump");
  }

  @Test
  void listNamesIncompleteFunctionsToo() throws IOException {
    Run run = Run.of("inspect", secondIsBad().toString());

    assertThat(run.out())
        .contains("0000:17:00.1  f00d:0002   256 of 256 bytes are in the dump")
        .contains("2 functions; ");
  }

  @Test
  void formIsNamedWhereTheContentDoesNotTell() throws IOException {
    Path numbers = Files.writeString(folder.resolve("n"), "0b258086 ".repeat(1024));

    assertThat(Run.of("inspect", numbers.toString()).err()).contains("--form words (numbers");
    assertThat(Run.of("inspect", numbers.toString(), "--form", "words").code()).isZero();
    assertThat(Run.of("inspect", numbers.toString(), "--form", "morse").err())
        .contains("'--form'", "raw, lspci, hex, words, groups, coe");
    assertThat(Run.of("scan", numbers.toString(), "--form", "groups").out()).contains("functions");
  }
}
