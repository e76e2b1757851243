package io.vpasid.guest.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.vpasid.guest.cli.terminal.Terminal;
import java.io.IOException;
import java.io.StringReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.xml.sax.InputSource;

class InspectCommandTest {
  private static final String ESCAPE = "\u001b[";

  @TempDir private Path folder;
  private String dump;

  @BeforeEach
  void writeDump() {
    dump = Inputs.demo(folder).toString();
  }

  private Run one(Terminal terminal, String... options) {
    return Run.on(
        terminal,
        Stream.concat(Stream.of("inspect", dump, "--function", "17:00.1"), Stream.of(options))
            .toArray(String[]::new));
  }

  private static Terminal terminal(Map<String, String> environment) {
    return Terminal.of(true, true, environment);
  }

  @Test
  void mapShowsTheHoleAndFoldsEqualRows() {
    Run run = one(Terminal.NONE);

    assertThat(run.code()).isZero();
    assertThat(run.out())
        .contains("d80  @@@@ @@@@ ", "@ [d80] vPASID", "vPASID at 0xd80, all-zero hole")
        .containsPattern("\nd90  .{19}  \u00d7[0-9]+\n")
        .doesNotContain(ESCAPE);
  }

  @Test
  void terminalGetsColoursUnlessThePersonWantsNone() {
    assertThat(one(terminal(Map.of("TERM", "xterm"))).out()).contains(ESCAPE);
    assertThat(one(terminal(Map.of("TERM", "xterm", "NO_COLOR", "1"))).out())
        .doesNotContain(ESCAPE);
    assertThat(one(terminal(Map.of("TERM", "xterm", "NO_COLOR", ""))).out()).contains(ESCAPE);
    assertThat(one(terminal(Map.of("TERM", "dumb"))).out()).doesNotContain(ESCAPE);
    assertThat(one(terminal(Map.of())).out()).doesNotContain(ESCAPE);
  }

  @Test
  void colorOptionHasTheLastWord() {
    assertThat(one(Terminal.NONE, "--color", "always").out()).contains(ESCAPE);
    assertThat(one(terminal(Map.of("TERM", "xterm")), "--color=never").out())
        .doesNotContain(ESCAPE);
  }

  @Test
  void errorStreamThatIsATerminalColoursNothing() {
    Terminal errorsOnly = Terminal.of(false, true, Map.of("TERM", "xterm"));

    assertThat(one(errorsOnly).out()).doesNotContain(ESCAPE);
  }

  @Test
  void widthIsTheBytesOfARow() {
    assertThat(one(Terminal.NONE, "--width", "32").out())
        .containsPattern("\nd80  @{4} @{4} (.{4} ){5}.{4}  ");
    assertThat(one(Terminal.NONE, "--width", "64").out()).containsPattern("\nd80  @{8}\u00b7{8} ");
  }

  @ParameterizedTest
  @ValueSource(strings = {"8", "48", "512", "-16"})
  void otherWidthsAreRefused(String width) {
    Run run = one(Terminal.NONE, "--width=" + width);

    assertThat(run.code()).isEqualTo(2);
    assertThat(run.err().lines()).hasSize(1);
    assertThat(run.err()).contains("a row has 16, 32, 64, 128 or 256 bytes");
  }

  @Test
  void svgIsADocumentOfOneFunction() throws Exception {
    Run run = one(Terminal.NONE, "--format", "svg");

    assertThat(run.code()).isZero();
    assertThat(
            DocumentBuilderFactory.newInstance()
                .newDocumentBuilder()
                .parse(new InputSource(new StringReader(run.out())))
                .getDocumentElement()
                .getTagName())
        .isEqualTo("svg");
    assertThat(run.out()).contains("0000:17:00.1", "vPASID at 0xd80");
  }

  /// The README shows this picture.
  @Test
  void pictureInTheDocumentsIsTheOneThatIsDrawn() throws IOException {
    assertThat(one(Terminal.NONE, "--format", "svg").out())
        .isEqualTo(Files.readString(Path.of("../docs/map.svg")));
  }

  @Test
  void svgOfSeveralFunctionsAsksForOne() {
    Run run = Run.of("inspect", dump, "--format", "svg");

    assertThat(run.code()).isEqualTo(2);
    assertThat(run.out()).isEmpty();
    assertThat(run.err()).contains("pick one with --function");
  }

  @Test
  void allShowsEveryFunctionInFull() {
    assertThat(Run.of("inspect", dump, "--all").out()).contains("@ [1a0] vPASID", "@ [d80] vPASID");
  }

  @Test
  void theMapUsesTheTerminalAndKeepsItsNames() {
    String dump = Inputs.demo(folder).toString();

    assertThat(inTerminal(80, dump)).contains("\nd80  @@@@ @@@@ ···· ····        @ [d80] vPASID");
    assertThat(inTerminal(120, dump))
        .containsPattern("\nd80  @@@@ @@@@( ····){6} +@ \\[d80\\] vPASID");
    assertThat(inTerminal(200, dump))
        .containsPattern("\nd80  @@@@ @@@@( ····){14} +@ \\[d80\\] vPASID");
  }

  private static String inTerminal(int columns, String dump) {
    return Run.on(
            new Terminal(true, true, false, () -> columns),
            "inspect",
            dump,
            "--function",
            "17:00.1")
        .out();
  }

  @Test
  void aFunctionThatDoesNotAnswerIsNoBridge() throws IOException {
    byte[] bytes = new byte[4096];
    Arrays.fill(bytes, (byte) 0xff);
    String dump = Files.write(folder.resolve("gone"), bytes).toString();

    Run run = Run.of("inspect", dump);

    assertThat(run.out())
        .startsWith("0000:00:00.0 ffff:ffff no answer")
        .contains("4096 bytes, all ff")
        .contains("Everything reads as ff: the function does not answer (reset, D3cold, unplugged)")
        .doesNotContain("127");
    assertThat(Run.of("plan", dump).out()).contains("does not answer").doesNotContain("127");
  }

  /// A made-up vendor has no name; the ids stand there already.
  @Test
  void titlesDoNotRepeatTheIds() {
    String dump = Inputs.demo(folder).toString();

    for (String command : List.of("inspect", "plan")) {
      assertThat(Run.of(command, dump, "--function", "17:00.1").out())
          .startsWith("0000:17:00.1 f00d:0002 Co-processor (rev 01)");
    }
  }

  /// Linux shows users without privileges 64 bytes.
  @Test
  void whoMayNotReadEverythingSeesTheRestAndWhatRootWouldAdd() throws IOException {
    String sysfs =
        new MadeUpHost(folder)
            .function("0000:6a:02.0", "pcieport")
            .headerOnly("0000:6a:02.0")
            .write("sys/bus/pci/devices/0000:6a:02.0/vendor", "0x8086\n")
            .write("sys/bus/pci/devices/0000:6a:02.0/device", "0x0b25\n")
            .at("sys")
            .toString();

    Run run = Run.of("inspect", "--sysfs", sysfs);

    assertThat(run.code()).isEqualTo(3);
    assertThat(run.out())
        .containsPattern("0000:6a:01.0  f00d:0001  4096 ")
        .containsPattern(
            "0000:6a:02.0  8086:0b25    64 .*Data Streaming Accelerator .*\\(pcieport\\)")
        .contains("2 functions");
    assertThat(run.err()).contains("of 1 function this user may read 64 bytes; root sees");
    assertThat(Run.of("inspect", "--sysfs", sysfs, "--function", "6a:01.0").code()).isZero();
    assertThat(Run.of("inspect", "--sysfs", sysfs, "--function", "6a:02.0").code()).isEqualTo(3);
  }
}
