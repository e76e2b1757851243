package io.vpasid.guest.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.vpasid.testing.Captures;
import io.vpasid.testing.Need;
import io.vpasid.testing.Needs;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.json.JsonMapper;

class CommandLineTest {
  private static final JsonMapper MAPPER = new JsonMapper();

  @TempDir private Path folder;

  private static void assertOneLineAndExit2(Run run, String... parts) {
    assertThat(run.code()).isEqualTo(2);
    assertThat(run.out()).isEmpty();
    assertThat(run.err().lines()).hasSize(1);
    assertThat(run.err()).startsWith("vpasid: ").contains(parts);
  }

  @Test
  void truncatedDumpNamesFileAndLine() throws IOException {
    Path dump = Inputs.demo(folder);
    String whole = Files.readString(dump);
    Files.writeString(dump, whole.substring(0, 3000));

    assertOneLineAndExit2(Run.of("plan", dump.toString()), dump + ":");
    assertThat(Run.of("plan", dump.toString()).err()).containsPattern("machine.txt:5\\d: ");
  }

  @Test
  void textThatIsNoDumpNamesTheFile() throws IOException {
    Path text = Files.writeString(folder.resolve("notes.md"), "# Notes\nNothing here.\n");

    assertOneLineAndExit2(Run.of("inspect", text.toString()), text.toString(), "no dump");
  }

  @Test
  void directoryAndMissingFileAreNamed() {
    assertOneLineAndExit2(Run.of("plan", folder.toString()), folder.toString(), "directory");
    assertOneLineAndExit2(Run.of("run", folder + "/none.txt"), "none.txt: there is no such file");
  }

  @Test
  void unknownOptionIsNamedWithASuggestion() {
    assertOneLineAndExit2(Run.of("plan", "--hw-inf", "none"), "--hw-inf", "--hw-info");
    assertOneLineAndExit2(Run.of("plann"), "plann", "did you mean plan");
  }

  @ParameterizedTest
  @ValueSource(strings = {"plan", "inspect", "quirks lint", "quirks test"})
  void twoFormatsAreRefused(String command) {
    String other = Map.of("plan", "qemu", "inspect", "svg").getOrDefault(command, "github");
    List<String> words = new ArrayList<>(List.of(command.split(" ")));
    words.addAll(List.of(Inputs.demo(folder).toString(), "--json", "--format", other));

    assertOneLineAndExit2(Run.of(words.toArray(String[]::new)), "--json", "--format " + other);
  }

  @Test
  void missingArgumentsAreNamed() {
    assertOneLineAndExit2(Run.of("plan"), "name a dump, or an address");
    assertOneLineAndExit2(Run.of("serve", "x.txt"), "--socket");
  }

  /// To be copied.
  @Test
  void qemusArgumentIsOnOneLine() {
    assertThat(Run.of("serve", "--help").out().lines())
        .contains(
            "-device '{\"driver\":\"vfio-user-pci\",\"socket\":{\"type\":\"unix\",\"path\":\"dsa.sock\"}}'");
  }

  @Test
  void withoutACommandThereIsHelp() {
    Run run = Run.of();

    assertThat(run.code()).isEqualTo(2);
    assertThat(run.out()).isEqualTo(Run.of("--help").out()).contains("vpasid help COMMAND");
  }

  @ParameterizedTest
  @ValueSource(strings = {"plan", "quirks lint", ""})
  void helpIsAWordToo(String command) {
    List<String> words = List.of(("help " + command).strip().split(" "));
    List<String> option = List.of((command + " --help").strip().split(" "));

    Run run = Run.of(words.toArray(String[]::new));

    assertThat(run).isEqualTo(Run.of(option.toArray(String[]::new)));
    assertThat(run.code()).isZero();
  }

  @ParameterizedTest
  @CsvSource({
    "3b:00.9, function 9 is no function number",
    "0000:3b:20.0, device 20 is no device number",
    "0000:13b:00.0, bus 13b is no bus number",
    "3b:00.x, function x is no function number"
  })
  void whatIsWrongWithAnAddressIsNamed(String address, String problem) {
    assertOneLineAndExit2(Run.of("plan", address), address, problem);
    assertOneLineAndExit2(Run.of("doctor", address), address, problem);
    assertOneLineAndExit2(
        Run.of("inspect", Inputs.demo(folder).toString(), "--function", address), address, problem);
  }

  @ParameterizedTest
  @ValueSource(strings = {"width=21", "wide", ""})
  void badHardwareInfoIsExplained(String text) {
    assertOneLineAndExit2(Run.of("plan", "x.txt", "--hw-info", text), "--hw-info", "width=N");
  }

  @ParameterizedTest
  @ValueSource(strings = {"256", "0x", "0x1000", "x"})
  void badOffsetIsExplained(String text) {
    assertOneLineAndExit2(Run.of("plan", "x.txt", "--offset", text), "--offset", "hexadecimal");
  }

  @Test
  void functionThatTheFileDoesNotHaveIsNamed() {
    assertOneLineAndExit2(
        Run.of("plan", Inputs.demo(folder).toString(), "--function", "99:00.0"),
        "has no function 0000:99:00.0");
  }

  @Test
  void badQuirkFileIsNamed() throws IOException {
    Path quirks =
        Files.writeString(folder.resolve("bad.json"), "{\"format\": 1,\n \"quriks\": []}");

    assertOneLineAndExit2(
        Run.of("plan", Inputs.demo(folder).toString(), "--quirks", quirks.toString()),
        quirks + ":2:");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"", "demo", "inspect", "plan", "quirks", "run", "scan", "schema", "serve"})
  void everyCommandHasHelp(String command) {
    List<String> arguments = command.isEmpty() ? List.of("--help") : List.of(command, "--help");

    Run run = Run.of(arguments.toArray(String[]::new));

    assertThat(run.code()).isZero();
    assertThat(run.out()).contains("Usage: vpasid", "Exit codes:").doesNotContain("$");
    assertThat(run.err()).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(strings = {"demo", "inspect", "plan", "run", "scan", "serve"})
  void everyCommandOffersJson(String command) {
    assertThat(Run.of(command, "--help").out()).contains("--json");
  }

  @Test
  void demoTellsBothStories() {
    Run run = Run.of("demo");

    assertThat(run.code()).isZero();
    assertThat(run.out())
        .contains("at 0x1a0, the device's own hidden capability")
        .contains("at 0xd80, all-zero hole")
        .contains("nothing left attached")
        .doesNotContain("(!)");
  }

  @Needs(Need.CAPTURES)
  @Test
  void runTellsEveryStep() {
    Run run = Run.of("run", Captures.file("pciutils-pri-pasid.txt").toString());

    assertThat(run.code()).isZero();
    assertThat(run.out())
        .containsSubsequence(
            "PASID found at 0x230",
            "enabled, 20 bits",
            "attach PASID 1 to page table 5 \u2192 0",
            "0, replaces page table 5",
            "attach PASID 1048576, beyond the width \u2192 refused, EINVAL",
            "detach PASID 1 \u2192 0",
            "close \u2192 nothing left attached");
  }

  @Test
  void runOnAHostWithoutPasidIsNotGood() {
    Run run = Run.of("run", Inputs.demo(folder).toString(), "--hw-info", "none", "--json");

    assertThat(run.code()).isEqualTo(1);
    assertThat(MAPPER.readTree(run.out()).get(0).get("good").asBoolean()).isFalse();
  }

  @Test
  void inspectListsSeveralFunctionsAndShowsOneInFull() {
    String dump = Inputs.demo(folder).toString();

    assertThat(Run.of("inspect", dump).out())
        .contains("0000:17:00.0  f00d:0001", "0000:17:00.1  f00d:0002", "2 functions");
    assertThat(Run.of("inspect", dump, "--function", "17:00.0").out())
        .contains("0x1a0-0x1a7")
        .contains("Process Address Space ID (PASID)");
  }

  @Test
  void inspectJsonHasEveryCapabilityOfEveryFunction() {
    Run run = Run.of("inspect", Inputs.demo(folder).toString(), "--json");

    assertThat(MAPPER.readTree(run.out()).get(0).get("extendedCapabilities").size()).isEqualTo(6);
    assertThat(MAPPER.readTree(run.out()).get(1).get("capabilities").size()).isEqualTo(2);
  }
}
