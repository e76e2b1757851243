package io.vpasid.synth.quirk;

import static io.vpasid.synth.quirk.QuirkFiles.quirk;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.InstanceOfAssertFactories.STRING;

import io.vpasid.pci.PciAddress;
import io.vpasid.pci.dump.HostFunction;
import io.vpasid.pci.dump.PciNames;
import io.vpasid.synth.json.JsonFileException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class QuirkLintTest {
  private static final String DEVICE = "\"vendor\": \"0x1234\", \"device\": \"0x0015\"";

  @TempDir Path folder;

  /// What is found in one layer of these quirks, as text.
  private static List<String> findings(Quirk... quirks) {
    return findings(QuirkTable.empty().with(List.of(quirks)));
  }

  private static List<String> findings(QuirkTable table) {
    return QuirkLint.check(table, PciNames.none()).stream().map(LintFinding::toString).toList();
  }

  /// 1234:0015 with AER version 1 at 0x100 and a byte that is not 0 at 0x204.
  private static final HostFunction CAPTURE =
      new HostFunction(
          new PciAddress(0, 0x3b, 0, 0),
          "",
          QuirkFiles.space(0x00, 0x00151234, 0x100, 0x00010001, 0x204, 1),
          "dump.txt",
          3);

  private static List<String> findingsOnCapture(Quirk... quirks) {
    return QuirkLint.check(QuirkTable.empty().with(List.of(quirks)), List.of(CAPTURE)).stream()
        .map(LintFinding::toString)
        .toList();
  }

  private static String hidden(String... offsets) {
    return "\"hidden\": ["
        + String.join(
            ",",
            List.of(offsets).stream()
                .map(o -> "{ \"offset\": \"" + o + "\", \"length\": 4, \"what\": \"w\" }")
                .toList())
        + "]";
  }

  @Test
  void nothingIsSaidOfAGoodQuirk() {
    assertThat(findings(quirk("a", DEVICE, hidden("0x40", "0x44") + ", \"place\": \"0x200\"")))
        .isEmpty();
  }

  @Test
  void hiddenRegistersInTheHeader() {
    assertThat(findings(quirk("a", DEVICE, hidden("0x3c"))))
        .containsExactly(
            "test.json:1:28: warning: a names 0x03c-0x03f in the header, where no capability can"
                + " be; leave it out [header]");
  }

  @Test
  void hiddenRegistersThatOverlap() {
    assertThat(findings(quirk("a", DEVICE, hidden("0x40", "0x42"))))
        .containsExactly(
            "test.json:1:28: warning: a names 0x040-0x043 and 0x042-0x045; join them [overlap]");
  }

  @Test
  void differentBitsOfADwordDoNotOverlap() {
    assertThat(
            findings(
                quirk(
                    "a",
                    DEVICE,
                    """
                    "hidden": [ { "offset": "0x40", "mask": "0x0000000f", "what": "low" },
                                { "offset": "0x40", "mask": "0x000000f0", "what": "high" } ]
                    """)))
        .isEmpty();
  }

  @Test
  void deviceRangesThatOverlap() {
    assertThat(
            findings(
                quirk(
                    "a",
                    "\"vendor\": \"0x1234\", \"device\": [\"0x15\", \"0x10-0x1f\"]",
                    "\"exec\": false")))
        .containsExactly(
            "test.json:1:28: warning: a names devices 0x0010-0x001f and 0x0015, which share ids;"
                + " join them [overlap]");
  }

  @Test
  void decisionsBesideARefusal() {
    assertThat(findings(quirk("a", DEVICE, "\"refuse\": \"r\", \"maxWidth\": 8")))
        .containsExactly(
            "test.json:1:28: warning: a refuses a PASID capability, so nothing else that it decides"
                + " counts; leave one out [refused]");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "\"place\": \"0x200\"", "\"available\": \"0x300-0x3ff\"", "\"shadow\": \"0x800-0x807\"",
        "\"maxWidth\": 8", "\"exec\": false", "\"priv\": false",
      })
  void anyDecisionBesideARefusalIsTooMuch(String decision) {
    assertThat(findings(quirk("a", DEVICE, "\"refuse\": \"r\", " + decision)))
        .singleElement(STRING)
        .endsWith("[refused]");
    assertThat(findings(quirk("a", DEVICE, decision))).isEmpty();
  }

  @Test
  void aRefusalMayNameHiddenRegisters() {
    assertThat(findings(quirk("a", DEVICE, "\"refuse\": \"r\", " + hidden("0x800")))).isEmpty();
  }

  @ParameterizedTest
  @CsvSource({"'\"0x10-0x14\", \"0x15\"', 0", "'\"0x10-0x15\", \"0x15\"', 1"})
  void deviceRangesMayTouch(String devices, int found) {
    assertThat(
            findings(
                quirk(
                    "a",
                    "\"vendor\": \"0x1234\", \"device\": [" + devices + "]",
                    "\"exec\": false")))
        .hasSize(found);
  }

  @Test
  void aPlaceOnTheQuirksOwnHiddenRegister() {
    assertThat(findings(quirk("a", DEVICE, hidden("0x204") + ", \"place\": \"0x200\"")))
        .containsExactly(
            "test.json:1:28: error: a places the capability on its own hidden register 0x204-0x207;"
                + " choose another place, or allow it with \"shadow\" [on-hidden]");
    assertThat(
            findings(
                quirk(
                    "a",
                    DEVICE,
                    hidden("0x204") + ", \"place\": \"0x200\", \"shadow\": \"0x200-0x207\"")))
        .isEmpty();
  }

  @Test
  void anAvailableRangeWithoutRoom() {
    assertThat(findings(quirk("a", DEVICE, "\"available\": \"0x201-0x20a\"")))
        .containsExactly(
            "test.json:1:28: warning: a calls 0x201-0x20a available, where no 8 aligned bytes fit;"
                + " make it larger or leave it out [no-room]");
    assertThat(findings(quirk("a", DEVICE, "\"available\": \"0x201-0x20b\""))).isEmpty();
  }

  @Test
  void idsThatNobodyKnows() throws IOException {
    Path ids =
        Files.writeString(
            folder.resolve("pci.ids"), "1234  ACME\n\t0015  Rocket\n8086  Intel Corporation\n");
    QuirkTable table =
        QuirkTable.empty()
            .with(
                List.of(
                    quirk("a", DEVICE, "\"exec\": false"),
                    quirk(
                        "b",
                        "\"vendor\": \"0x1234\", \"device\": [\"0x10-0x1f\", \"0x20-0x2f\"]",
                        "\"exec\": false"),
                    quirk("c", "\"vendor\": \"0x4321\"", "\"exec\": false"),
                    quirk("d", "\"class\": \"0x02xxxx\"", "\"exec\": false")));

    assertThat(QuirkLint.check(table, PciNames.of(ids)))
        .extracting(LintFinding::message)
        .containsExactly(
            "b names devices of vendor 0x1234 that pci.ids does not have: 0x0020-0x002f",
            "c names vendor 0x4321, which pci.ids does not have");
    assertThat(findings(table)).as("without pci.ids").isEmpty();
  }

  @Test
  void aDecisionThatALaterLayerAlwaysTakes() {
    QuirkTable table =
        QuirkTable.empty()
            .with(List.of(quirk("early", DEVICE, "\"place\": \"0x200\"")))
            .with(List.of(quirk("late", "\"vendor\": \"0x1234\"", "\"place\": \"0x300\"")));

    assertThat(findings(table))
        .containsExactly(
            "test.json:1:28: warning: early decides \"place\", but late (test.json) decides it for"
                + " the same functions [never-counts]");
  }

  @Test
  void aDecisionThatALaterQuirkOfTheSameMatchTakes() {
    assertThat(
            findings(
                quirk("first", DEVICE, "\"maxWidth\": 8"),
                quirk("last", DEVICE, "\"maxWidth\": 16")))
        .containsExactly(
            "test.json:1:28: warning: first decides \"maxWidth\", but last (test.json) decides it"
                + " for the same functions [never-counts]");
  }

  @Test
  void aMoreSpecificDecisionCounts() {
    assertThat(
            findings(
                quirk("device", DEVICE, "\"maxWidth\": 8"),
                quirk("vendor", "\"vendor\": \"0x1234\"", "\"maxWidth\": 16")))
        .isEmpty();
  }

  @Test
  void hiddenRegistersThatAnotherQuirkNames() {
    assertThat(
            findings(
                quirk(
                    "narrow",
                    DEVICE,
                    "\"hidden\": { \"offset\": \"0x48\", \"mask\": \"0x100\", \"what\": \"w\" }"),
                quirk(
                    "wide",
                    "\"vendor\": \"0x1234\"",
                    "\"hidden\": { \"offset\": \"0x40\", \"length\": 16, \"what\": \"w\" }")))
        .containsExactly(
            "test.json:1:28: warning: narrow names only hidden registers that wide (test.json)"
                + " names for the same functions [says-nothing-new]");
  }

  @Test
  void ofTwoEqualQuirksTheLaterSaysNothingNew() {
    assertThat(findings(quirk("a", DEVICE, hidden("0x40")), quirk("b", DEVICE, hidden("0x40"))))
        .containsExactly(
            "test.json:1:28: warning: b names only hidden registers that a (test.json) names for"
                + " the same functions [says-nothing-new]");
  }

  @Test
  void aPlaceOnACapabilityOfACapturedFunction() {
    assertThat(findingsOnCapture(quirk("a", DEVICE, "\"place\": \"0x100\"")))
        .containsExactly(
            "test.json:1:28: error: a places the capability on [100] Advanced Error Reporting"
                + " (AER) of dump.txt:3 0000:3b:00.0; choose another place [on-capability]",
            "test.json:1:28: warning: a places the capability on bytes that are not 0 in dump.txt:3"
                + " 0000:3b:00.0; choose another place, or allow it with \"shadow\" [not-zero]");
  }

  @Test
  void hiddenRegistersOnACapabilityOfACapturedFunction() {
    assertThat(findingsOnCapture(quirk("a", DEVICE, hidden("0x104", "0x108", "0x300"))))
        .containsExactly(
            "test.json:1:28: warning: a names registers in [100] Advanced Error Reporting (AER) of"
                + " dump.txt:3 0000:3b:00.0: 0x104-0x107, 0x108-0x10b [on-capability]");
  }

  @Test
  void availableBytesOnTheQuirksOwnHiddenRegisters() {
    assertThat(findings(quirk("a", DEVICE, hidden("0x304") + ", \"available\": \"0x300-0x3ff\"")))
        .containsExactly(
            "test.json:1:28: warning: a calls 0x300-0x3ff available and names hidden registers in"
                + " it: 0x304-0x307; leave one out [on-hidden]");
  }

  @Test
  void availableBytesOnACapabilityOfACapturedFunction() {
    assertThat(findingsOnCapture(quirk("a", DEVICE, "\"available\": \"0x120-0x1ff\"")))
        .containsExactly(
            "test.json:1:28: error: a calls 0x120-0x1ff available, which is in use by [100]"
                + " Advanced Error Reporting (AER) of dump.txt:3 0000:3b:00.0; leave that out"
                + " [on-capability]");
  }

  @Test
  void registersThatLeaveNoRoomInACapturedFunction() {
    String all = "\"hidden\": { \"offset\": \"0x138\", \"length\": %d, \"what\": \"w\" }";

    assertThat(findingsOnCapture(quirk("a", DEVICE, all.formatted(0x1000 - 0x138))))
        .containsExactly(
            "test.json:1:28: warning: a leaves no room for a PASID capability in dump.txt:3"
                + " 0000:3b:00.0; name what is a register and no more, or call bytes"
                + " \"available\" [no-room]");
    assertThat(findingsOnCapture(quirk("a", DEVICE, all.formatted(0x1000 - 0x138 - 8)))).isEmpty();
  }

  @Test
  void aPlaceOnBytesThatAreNot0() {
    assertThat(findingsOnCapture(quirk("a", DEVICE, "\"place\": \"0x200\"")))
        .containsExactly(
            "test.json:1:28: warning: a places the capability on bytes that are not 0 in dump.txt:3"
                + " 0000:3b:00.0; choose another place, or allow it with \"shadow\" [not-zero]");
    assertThat(
            findingsOnCapture(
                quirk("a", DEVICE, "\"place\": \"0x200\", \"shadow\": \"0x200-0x207\"")))
        .isEmpty();
  }

  @Test
  void aQuirkForNoneOfTheCaptures() {
    assertThat(findingsOnCapture(quirk("a", "\"vendor\": \"0x4321\"", "\"exec\": false")))
        .containsExactly(
            "test.json:1:28: note: a matches none of the captured functions [matches-nothing]");
  }

  @Test
  void aFileThatCannotBeReadIsAFindingToo() {
    JsonFileException e = new JsonFileException("site.json", 7, 12, "unknown key \"x\"");

    assertThat(LintFinding.of(e, QuirkTable.COMMAND_LINE))
        .hasToString("site.json:7:12: error: unknown key \"x\" [unreadable]");
  }

  /// What is found in a file with these quirks, over a table with the quirk `old`.
  private List<String> findingsInFile(String text) throws IOException {
    Path file = Files.writeString(folder.resolve("f.json"), text);
    QuirkTable below =
        QuirkTable.empty().with(List.of(quirk("old", DEVICE, "\"place\": \"0x200\"")));
    return QuirkLint.ofFiles(
            List.of(file), QuirkTable.COMMAND_LINE, below, PciNames.none(), List.of(CAPTURE))
        .stream()
        .map(f -> f.toString().replace(folder + "/", ""))
        .toList();
  }

  @Test
  void aWrongQuirkDoesNotHideTheOthers() throws IOException {
    assertThat(
            findingsInFile(
                """
                { "format": 1, "quirks": [
                { "id": 7, "match": { "vendor": { "deep": [[[]]] } } },
                { "id": "a", "name": "n", "source": "s", "match": { %s }, "place": "0x104" },
                [ 1, 2 ],
                "text",
                { "id": "b", "name": "n", "source": "s", "match": { %s }, "refuse": "r", "x": 1 },
                { "id": "a", "name": "n", "source": "s", "match": { %s }, "exec": false }
                ] }
                """
                    .formatted(DEVICE, DEVICE, DEVICE)))
        .containsExactly(
            "f.json:2:9: error: \"id\" must be an id such as \"acme-rocket\", not the number 7"
                + " [unreadable]",
            "f.json:3:1: error: a places the capability on [100] Advanced Error Reporting (AER)"
                + " of dump.txt:3 0000:3b:00.0; choose another place [on-capability]",
            "f.json:4:1: error: a quirk must be an object { … }, not a list [unreadable]",
            "f.json:5:1: error: a quirk must be an object { … }, not \"text\" [unreadable]",
            "f.json:6:110: error: unknown key \"x\"; the keys here are id, name, source, match,"
                + " hidden, place, available, shadow, maxWidth, exec, priv, refuse, notes"
                + " [unreadable]",
            "f.json:7:9: error: the id \"a\" is already used in line 3; choose another"
                + " [unreadable]");
  }

  @Test
  void behindWhatIsNoJsonNothingIsRead() throws IOException {
    assertThat(
            findingsInFile(
                """
                { "format": 1, "quirks": [
                { "id": 7 },
                { "id": "a", "name": n, "source": 8 },
                { "id": 9 } ] }
                """))
        .hasSize(2)
        .satisfies(found -> assertThat(found.getFirst()).startsWith("f.json:2:9: "))
        .satisfies(
            found -> assertThat(found.getLast()).startsWith("f.json:3:").contains("not JSON"));
  }

  @Test
  void aFileFullOfMistakesIsNotReadForEver() throws IOException {
    assertThat(findingsInFile("{ \"format\": 1, \"quirks\": [" + "7,".repeat(100_000) + "7 ] }"))
        .hasSize(QuirkFileReader.MAX_PROBLEMS);
  }

  @Test
  void anEntryThatReplacesAnother() throws IOException {
    assertThat(findingsInFile(QuirkFiles.file("old", DEVICE, "\"exec\": false")))
        .containsExactly(
            "f.json:1:28: note: old replaces old (test.json); choose another id if both are to"
                + " count [replaces]");
  }

  @Test
  void anEntryThatIsInstalledTooReplacesNothing() throws IOException {
    assertThat(findingsInFile(QuirkFiles.file("old", DEVICE, "\"place\": \"0x200\"")))
        .noneMatch(finding -> finding.contains("[replaces]"));
  }

  @Test
  void theBuiltInQuirksAreClean() {
    assertThat(QuirkLint.check(QuirkTable.builtIn(), PciNames.none()))
        .extracting(LintFinding::toString)
        .isEmpty();
  }
}
