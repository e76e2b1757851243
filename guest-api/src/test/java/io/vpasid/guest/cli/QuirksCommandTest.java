package io.vpasid.guest.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.networknt.schema.InputFormat;
import com.networknt.schema.Schema;
import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.SpecificationVersion;
import io.vpasid.guest.cli.terminal.Terminal;
import io.vpasid.testing.Captures;
import io.vpasid.testing.Need;
import io.vpasid.testing.Needs;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// On the two made-up functions that the program ships: f00d:0001 has a PASID capability of its own
/// at 0x1a0; f00d:0002 is a virtual function without one, and 0xd80 is its hole.
class QuirksCommandTest {
  private static final JsonMapper MAPPER = new JsonMapper();

  @TempDir private Path folder;
  private String dump = "";

  @BeforeEach
  void writeDump() {
    dump = Inputs.demo(folder).toString();
  }

  private String file(String name, String text) {
    try {
      return Files.writeString(folder.resolve(name), text).toString();
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  /// A file with these quirks.
  private String quirks(String name, String... quirks) {
    return file(name, "{ \"format\": 1, \"quirks\": [\n" + String.join(",\n", quirks) + " ] }\n");
  }

  /// A quirk about f00d:0002, in a line.
  private static String quirk(String id, String match, String effects) {
    return """
    { "id": "%s", "name": "ACME", "source": "made up", "match": { "vendor": "0xf00d"%s }, %s }\
    """
        .formatted(id, match, effects);
  }

  private static String about2(String id, String effects) {
    return quirk(id, ", \"device\": \"0x0002\"", effects);
  }

  // list

  @Test
  void listHasALineForEachEntryAndCountsThem() {
    Run run = Run.of("quirks", "list");

    assertThat(run.code()).isZero();
    assertThat(run.out())
        .containsPattern("nvidia-ga10x +NVIDIA GA102.*: 41 hidden, 2 available")
        .containsPattern("habana-\\S+ +Habana.*: 4 hidden")
        .contains(" entries; ");
  }

  @Test
  void listsAndExplanationsEndWhereTheTerminalEnds() {
    for (String[] command :
        new String[][] {
          {"quirks", "list"},
          {"quirks", "list", "nvidia-hda-enable"},
          {"quirks", "explain", "10de:2204"},
          {"quirks", "explain", dump}
        }) {
      for (int columns : new int[] {80, 120, 200}) {
        Run run = Run.on(new Terminal(true, true, false, () -> columns), command);
        assertThat(run.out().lines()).allMatch(line -> line.length() <= columns);
        assertThat(run.out().replaceAll("\\s+", " "))
            .isEqualTo(Run.of(command).out().replaceAll("\\s+", " "));
      }
    }
  }

  @Test
  void listShowsAllOfANamedEntry() {
    Run run = Run.of("quirks", "list", "nvidia-hda-enable");

    assertThat(run.out())
        .contains("vendor 0x10de, device 0x08a0-0xffff, class 0x03xxxx")
        .contains("0x48b-0x48b mask 0x02000000  HDA function enable (rw, driver)")
        .contains("Linux 7.3 drivers/pci/quirks.c");
  }

  @Test
  void listOfADeviceHasWhatMayBeAboutIt() {
    Run run = Run.of("quirks", "list", "--device", "1da3:1000", "--json");

    assertThat(MAPPER.readTree(run.out()).findValuesAsString("id"))
        .contains("class-xhci")
        .anyMatch(id -> id.startsWith("habana"))
        .noneMatch(id -> id.startsWith("nvidia"));
  }

  @Test
  void listSaysWhatALayerReplaces() {
    String mine =
        quirks("mine.json", quirk("nvidia-hda", ", \"device\": \"0x0001\"", "\"exec\": false"));

    assertThat(Run.of("quirks", "list", "--quirks", mine).out())
        .contains("nvidia-hda (built in) is replaced by that of " + mine + ":2");
  }

  @Test
  void listOfNothingIsNo() {
    Run run = Run.of("quirks", "list", "zz-top");

    assertThat(run.code()).isEqualTo(1);
    assertThat(run.err())
        .isEqualToIgnoringNewLines(
            "vpasid: no entry has the id zz-top; vpasid quirks list shows all");
    assertThat(Run.of("quirks", "list", "nvidia-ga1x").err())
        .contains("did you mean nvidia-ga10x?");
    assertThat(Run.of("quirks", "list", "--device", "10").err()).contains("10de:2204");
  }

  // explain

  @Test
  void explainNamesWhoDecidedWhatAndOverWhom() {
    String vendor =
        quirks(
            "vendor.json",
            quirk("acme-all", "", "\"place\": \"0x300\", \"maxWidth\": 12"),
            about2("acme-2", "\"place\": \"0x400\""));
    String site = quirks("site.json", quirk("site", "", "\"priv\": false"));

    Run run =
        Run.of(
            "quirks",
            "explain",
            dump,
            "--function",
            "17:00.1",
            "--quirks",
            vendor,
            "--quirks",
            site);

    assertThat(run.code()).isZero();
    assertThat(run.out())
        .containsSubsequence("acme-all (" + vendor + ":2)", "acme-2 (" + vendor + ":3)", "site (")
        .contains("0x400, by acme-2 (" + vendor + ":3); over 0x300 by acme-all (" + vendor + ":2)")
        .contains("12 bits, by acme-all")
        .contains("priv         false, by site")
        .contains("at 0x400, pinned by a quirk");
  }

  @Test
  void explainTakesAFolderAndNamesWhatItLeavesOut() throws IOException {
    Path folder = Files.createDirectory(Path.of(dump).resolveSibling("folder"));
    Files.copy(Path.of(dump), folder.resolve("a.txt"));
    Files.writeString(folder.resolve("b.txt"), "no dump");
    String all = quirks("all.json", quirk("acme-all", "", "\"maxWidth\": 12"));

    Run run = Run.of("quirks", "explain", folder.toString(), "--quirks", all);
    assertThat(run.out())
        .isEqualTo(Run.of("quirks", "explain", dump, "--quirks", all).out())
        .contains("acme-all");
    assertThat(run.err()).contains("b.txt");
  }

  @Test
  void explainSaysWhyAnEntryOfTheDeviceIsNotAboutIt() {
    String vendor =
        quirks(
            "vendor.json",
            quirk(
                "old-ones", ", \"device\": \"0x0002\", \"revision\": \"0x70\"", "\"exec\": false"),
            quirk(
                "physical-ones",
                ", \"device\": \"0x0002\", \"function\": \"physical\"",
                "\"exec\": false"));

    Run run = Run.of("quirks", "explain", dump, "--function", "17:00.1", "--quirks", vendor);

    assertThat(run.code()).isEqualTo(1);
    assertThat(run.out())
        .contains("none is about it")
        .contains("old-ones (" + vendor + ":2): revision 0x70, not 0x01")
        .contains("physical-ones (" + vendor + ":3): function physical, not virtual");
  }

  @Test
  void explainSaysOfEveryNamedEntryWhyItIsNotAboutTheFunction() {
    String vendor =
        quirks(
            "vendor.json",
            quirk("other-device", ", \"device\": \"0x0007-0x0009\"", "\"exec\": false"),
            "{ \"id\": \"other-vendor\", \"name\": \"n\", \"source\": \"s\","
                + " \"match\": { \"vendor\": \"0x1234\" }, \"exec\": false }",
            "{ \"id\": \"other-class\", \"name\": \"n\", \"source\": \"s\","
                + " \"match\": { \"class\": \"0x0302xx\" }, \"exec\": false }");

    Run run = Run.of("quirks", "explain", dump, "--function", "17:00.1", "--quirks", vendor);

    assertThat(run.out())
        .contains("other-device (" + vendor + ":2): device 0x0007-0x0009, not 0x0002")
        .contains("other-vendor (" + vendor + ":3): vendor 0x1234, not 0xf00d")
        .contains("other-class (" + vendor + ":4): class 0x0302xx, not 0x0b4000");
  }

  @Test
  void explainOfIdsSaysWhichEntriesMayBeAboutTheDevice() {
    String vendor = quirks("vendor.json", about2("acme-2", "\"maxWidth\": 8"));

    Run run = Run.of("quirks", "explain", "10de:2204", "--quirks", vendor);

    assertThat(run.code()).isZero();
    assertThat(run.out())
        .startsWith("10de:2204")
        .contains("nvidia-ga10x (built in)", "if vendor 0x10de, device 0x", "41 hidden")
        .contains("acme-2 (" + vendor + ":2): vendor 0xf00d, not 0x10de")
        .contains("by its ids alone");
    JsonNode json =
        MAPPER.readTree(
            Run.of("quirks", "explain", "f00d:0002", "--quirks", vendor, "--json").out());
    assertThat(json.get(0).get("entries").findValuesAsString("id")).contains("acme-2");
    assertThat(Run.of("quirks", "explain", "f00d:0002", dump).err()).contains("not both");
    assertOneLine(
        Run.of("quirks", "explain", "10DE"),
        "10DE: is a vendor; name a device, too, as in 10DE:2204, or see vpasid quirks list --device");
  }

  @Test
  void whatNamesTheDeviceIsExplainedBeforeWhatIsAboutAnyVendor() {
    assertThat(Run.of("quirks", "explain", "10de:2204").out())
        .containsSubsequence(
            "entries      nvidia-ga10x (built in)",
            "nvidia-hda-enable (built in)",
            "nvidia-hda (built in)",
            "any vendor   class-xhci (built in)",
            "class-uhci (built in)");
  }

  @Test
  void explainJsonHasEntriesHiddenBitsAndDecisions() {
    String vendor =
        quirks(
            "vendor.json",
            about2(
                "acme-2",
                """
                "hidden": { "offset": "0x700", "length": 8, "access": "rw", "what": "doorbell" },
                "available": "0x300-0x3ff", "maxWidth": 16\
                """));

    JsonNode json =
        MAPPER.readTree(
            Run.of("quirks", "explain", dump, "--function", "17:00.1", "--quirks", vendor, "--json")
                .out());

    JsonNode function = json.get(0);
    assertThat(function.get("entries").get(0).get("id").asString()).isEqualTo("acme-2");
    assertThat(function.get("hidden").get(0).get("offset").asString()).isEqualTo("0x700");
    assertThat(function.get("available").get(0).get("by").asString()).isEqualTo("acme-2");
    assertThat(function.get("decisions").get(0).get("value").asString()).isEqualTo("16 bits");
    assertThat(function.get("offset").asString()).isEqualTo("0x300");
  }

  // new

  /// The shipped dump with a byte changed: row and column of the second function, as lspci writes
  /// them.
  private String with(String name, int offset, String hex) throws IOException {
    String text = Files.readString(Path.of(dump));
    int function = text.indexOf("17:00.1");
    String row = "\n%02x:".formatted(offset & ~0xf);
    int at = text.indexOf(row, function) + row.length() + 1 + 3 * (offset & 0xf);
    return file(name, text.substring(0, at) + hex + text.substring(at + 2));
  }

  @Test
  void newDraftsWhatIsNot0AndTheDraftIsAQuirkFile() throws IOException {
    String live = with("live.txt", 0xd84, "5a");
    String other = with("other.txt", 0xd84, "5b");

    Run run = Run.of("quirks", "new", live, other, "--device", "f00d:0002");

    assertThat(run.code()).isZero();
    assertThat(run.out())
        .contains("\"id\": \"draft-f00d-0002\"")
        .contains("\"function\": \"virtual\"")
        .contains("\"offset\": \"0xd84\", \"length\": 4")
        .contains("not 0 in 2 of 2 dumps, differs between them")
        .contains("2 dumps: live.txt:");
    assertThat(run.err()).contains("vpasid: note: draft-f00d-0002").contains("name them");
    String draft = file("draft.json", run.out());
    assertThat(Run.of("quirks", "lint", draft).code()).isZero();
    assertThat(Run.of("plan", live, "--quirks", draft, "--function", "17:00.1").out())
        .doesNotContain("at 0xd80,");
  }

  @Test
  void newWritesAFileOnceAndNamesTheSchema() throws IOException {
    String live = with("live.txt", 0xd84, "5a");
    String acme = folder + "/acme.json";

    Run first = Run.of("quirks", "new", live, "-o", acme, "--schema", "../s.json");
    Run second = Run.of("quirks", "new", live, "-o", acme);

    assertThat(first.code()).isZero();
    assertThat(first.out()).isEmpty();
    assertThat(Files.readString(Path.of(acme))).contains("\"$schema\": \"../s.json\"");
    assertThat(second.code()).isEqualTo(2);
    assertThat(second.err()).contains(acme + ": is there already");
  }

  @Test
  void newPrintsProposalsAsJson() throws IOException {
    Run run = Run.of("quirks", "new", with("live.txt", 0xd84, "5a"), "--json");

    JsonNode drafts = MAPPER.readTree(run.out());
    assertThat(drafts.get(1).get("id").asString()).isEqualTo("draft-f00d-0002");
    assertThat(drafts.get(1).get("hidden").findValuesAsString("offset"))
        .containsExactly("0xd84", "0xff0");
  }

  @Test
  void newTakesAFolderAndLeavesOutWhatIsKnown() throws IOException {
    Path dumps = Files.createDirectory(folder.resolve("dumps"));
    Files.copy(Path.of(with("live.txt", 0xd84, "5a")), dumps.resolve("a.txt"));
    Files.copy(Path.of(with("other.txt", 0xd84, "5b")), dumps.resolve("b.txt"));

    Run run = Run.of("quirks", "new", dumps.toString(), "--device", "f00d:0002", "--join", "0");

    assertThat(run.code()).isZero();
    assertThat(run.out()).contains("2 dumps: a.txt:", "b.txt:", "differs between them");
    assertThat(Run.of("quirks", "new", dumps.toString(), "--function", "17:00.1").err())
        .contains("--function picks a function of a file");
    assertThat(Run.of("quirks", "new", dump, "--join", "-4").err()).contains("from 0 on, not -4");
  }

  @Needs(Need.CAPTURES)
  @Test
  void newOfARealGpuProposesNoMoreThanADozenRanges() {
    String captured = Captures.file("nvbug-laniusc.txt").toString();

    Run run = Run.of("quirks", "new", captured, "--device", "10de:2204", "--json");

    assertThat(run.err()).contains("what nvidia-ga10x says is left out");
    assertThat(MAPPER.readTree(run.out()).get(0).get("hidden").size()).isLessThanOrEqualTo(12);
  }

  @Test
  void newOfADeviceThatHidesNothingSaysSo() throws IOException {
    byte[] header = new byte[256];
    header[0] = 0x0d;
    header[1] = (byte) 0xf0;
    Path raw = Files.write(folder.resolve("raw.bin"), header);

    Run run = Run.of("quirks", "new", raw.toString());

    assertThat(run.code()).isEqualTo(1);
    assertThat(run.out()).isEmpty();
    assertThat(run.err())
        .contains("only 256 bytes of 1 of 1 function are there; lspci -xxxx as root captures all")
        .contains("nothing to draft");
  }

  @Test
  void newOfADeviceThatIsNotThereIsBadInput() {
    Run run = Run.of("quirks", "new", dump, "--device", "10de:2204");

    assertThat(run.code()).isEqualTo(2);
    assertThat(run.err()).contains("has no device 10de:2204, but f00d:0001, f00d:0002");
  }

  // lint

  @Test
  void lintOfTheInstalledTableFindsNoError() {
    Run run = Run.of("quirks", "lint");

    assertThat(run.code()).isZero();
    assertThat(run.out()).contains("0 errors, ");
  }

  @Test
  void lintSaysAllThatIsWrongInAFileAtOnce() {
    String bad =
        quirks(
            "bad.json",
            about2("a", "\"hiden\": []"),
            about2("b", "\"hidden\": { \"offset\": \"0xff8\", \"length\": 16, \"what\": \"w\" }"),
            about2("c", "\"maxWidth\": 16"),
            "{ \"id\": \"d\", \"name\": \"n\", \"match\": { \"vendor\": \"0x1\" }, \"exec\": false"
                + " }",
            about2("c", "\"maxWidth\": 15"));

    Run run = Run.of("quirks", "lint", bad);

    assertThat(run.code()).isEqualTo(2);
    assertThat(run.out())
        .contains(bad + ":2:", "error: unknown key \"hiden\"; did you mean \"hidden\"?")
        .contains(bad + ":3:", "0x10 bytes from 0xff8 reach past 0xfff")
        .contains(bad + ":5:", "quirk \"d\" has no \"source\"")
        .contains(bad + ":6:", "the id \"c\" is already used in line 4")
        .contains("names vendor 0xf00d, which pci.ids does not have [unknown-id]")
        .contains("4 errors, 1 warning, 0 notes");
  }

  @Test
  void lintFindsEntriesThatOthersShadow() {
    String shadowed =
        quirks(
            "two.json",
            about2("first", "\"place\": \"0x300\""),
            about2("second", "\"place\": \"0x400\""));

    Run run = Run.of("quirks", "lint", shadowed, "--strict");

    assertThat(run.code()).isEqualTo(1);
    assertThat(run.out())
        .contains("first decides \"place\", but second (" + shadowed + ") decides it")
        .contains("[never-counts]");
    assertThat(Run.of("quirks", "lint", shadowed).code()).as("without --strict").isZero();
  }

  @Test
  void lintHoldsEntriesAgainstDumps() {
    String onCapability =
        quirks(
            "on.json",
            about2(
                "on-aer",
                "\"place\": \"0x104\","
                    + " \"hidden\": { \"offset\": \"0x108\", \"length\": 4, \"what\": \"w\" }"));

    Run run = Run.of("quirks", "lint", onCapability, "--dumps", folder.toString());

    assertThat(run.code()).isEqualTo(1);
    assertThat(run.out())
        .contains("error: on-aer places the capability on [100] Advanced Error Reporting (AER)")
        .contains("warning: on-aer names registers in [100] Advanced Error Reporting (AER)");
    assertThat(run.err()).contains("note: left out: " + onCapability);
  }

  @Test
  void lintPrintsAnnotationsForGithub() {
    String bad = quirks("a,b.json", about2("a", "\"refuse\": \"100%\", \"shado\": []"));

    Run run = Run.of("quirks", "lint", bad, "--format", "github");

    assertThat(run.code()).isEqualTo(2);
    assertThat(run.out().lines().toList())
        .containsExactly(
            "::error file="
                + bad.replace(",", "%2C")
                + ",line=2,col=122,title=unreadable::unknown key \"shado\"; did you mean"
                + " \"shadow\"?");
  }

  private static final Schema SARIF =
      SchemaRegistry.withDefaultDialect(SpecificationVersion.DRAFT_7)
          .getSchema(ClassLoader.getSystemResourceAsStream("schema/sarif-schema-2.1.0.json"));

  @Test
  void lintPrintsSarif() {
    String bad =
        quirks(
            "a b.json", about2("a", "\"refuse\": \"r\", \"exec\": false"), about2("b", "\"x\": 1"));
    assertThat(file("acme.yaml", "quirks: []")).isNotEmpty();

    Run run = Run.of("quirks", "lint", bad, folder.toString(), "--format", "sarif");

    assertThat(SARIF.validate(run.out(), InputFormat.JSON)).isEmpty();
    JsonNode log = MAPPER.readTree(run.out()).get("runs").get(0);
    JsonNode result =
        log.get("results")
            .valueStream()
            .filter(r -> r.get("ruleId").asString().equals("refused"))
            .findFirst()
            .orElseThrow();
    assertThat(result.get("level").asString()).isEqualTo("warning");
    assertThat(at(result).get("region").get("startLine").asInt()).isEqualTo(2);
    assertThat(at(result).get("artifactLocation").get("uri").asString())
        .isEqualTo("file://" + folder + "/a%20b.json");
    assertThat(log.get("tool").get("driver").get("rules").findValuesAsString("id"))
        .contains("refused", "unreadable", "not-read");
  }

  private static JsonNode at(JsonNode result) {
    return result.get("locations").get(0).get("physicalLocation");
  }

  /// The checks would pass a report in which nothing may be wrong.
  @Test
  void schemaOfSarifFindsMistakes() {
    assertThat(SARIF.validate("{ \"version\": \"2.0\", \"runs\": [] }", InputFormat.JSON))
        .isNotEmpty();
  }

  @Test
  void testPrintsSarifOfFindingsAndChanges() {
    String acme = quirks("acme.json", about2("acme-2", "\"available\": \"0x300-0x3ff\""));

    Run run = Run.of("quirks", "test", dump, "--quirks", acme, "--format", "sarif");

    assertThat(SARIF.validate(run.out(), InputFormat.JSON)).isEmpty();
    assertThat(MAPPER.readTree(run.out()).findValuesAsString("ruleId"))
        .containsExactly("placement-changes");
  }

  /// GitLab wants these five of each finding, with fingerprints that differ.
  @Test
  void lintPrintsACodeQualityReport() {
    String bad =
        quirks(
            "bad.json",
            about2("a", "\"refuse\": \"r\", \"exec\": false"),
            about2("b", "\"x\": 1"),
            about2("b", "\"x\": 1"));

    JsonNode report = MAPPER.readTree(Run.of("quirks", "lint", bad, "--format", "gitlab").out());

    assertThat(report.findValuesAsString("severity")).contains("critical", "major");
    assertThat(report.findValuesAsString("fingerprint"))
        .hasSize(report.size())
        .doesNotHaveDuplicates()
        .allMatch(f -> f.matches("[0-9a-f]{32}"));
    assertThat(report.valueStream())
        .allSatisfy(f -> {
          assertThat(f.get("description").asString()).isNotEmpty();
          assertThat(f.get("check_name").asString()).isNotEmpty();
          assertThat(f.get("location").get("path").asString()).isEqualTo(bad);
          assertThat(f.get("location").get("lines").get("begin").asInt()).isPositive();
        });
  }

  @Test
  void lintSaysWhatIsNotReadAndWhy() throws IOException {
    Path layer = Files.createDirectories(folder.resolve("quirks.d"));
    Files.createDirectories(layer.resolve("more"));
    String good = Files.readString(Path.of(quirks("good.json", about2("a", "\"exec\": false"))));
    for (String name :
        List.of("a.json", "b.yaml", "c.jsonc", "d.JSON", ".e.json", "more/f.json", "README.md")) {
      Files.writeString(layer.resolve(name), good);
    }

    Run run = Run.of("quirks", "lint", layer.toString());

    assertThat(run.out().lines().filter(line -> line.endsWith("[not-read]")))
        .containsExactly(
            layer
                + "/.e.json: warning: not read, because its name starts with a dot; rename it"
                + " [not-read]",
            layer + "/README.md: note: not read: quirk files are named *.json [not-read]",
            layer
                + "/b.yaml: warning: not read, because it is no JSON; write it as JSON, named"
                + " *.json [not-read]",
            layer
                + "/c.jsonc: warning: not read, because its name does not end in .json; rename"
                + " it, and leave comments and trailing commas out [not-read]",
            layer
                + "/d.JSON: warning: not read, because its name ends in .JSON; name it *.json"
                + " [not-read]",
            layer + "/more: warning: folders in a folder are not read; name it too [not-read]");
    assertThat(Run.of("quirks", "lint", layer.toString(), "--strict").code()).isEqualTo(1);
  }

  /// What makes a command fail is an error, in every form.
  @Test
  void strictWarningsAreErrors() {
    String file = quirks("a.json", about2("a", "\"priv\": false"));
    String[] lint = {"quirks", "lint", file, "--strict", "--format"};

    assertThat(formatted(lint, "text").out())
        .contains("error: a names vendor 0xf00d", "1 error, 0 warnings, 0 notes");
    assertThat(formatted(lint, "github").out()).startsWith("::error file=");
    assertThat(formatted(lint, "sarif").out()).contains("\"level\" : \"error\"");
    assertThat(formatted(lint, "gitlab").out()).contains("\"severity\" : \"critical\"");
    assertThat(Run.of("quirks", "lint", file).out()).contains("warning: a names vendor");
  }

  private static Run formatted(String[] command, String format) {
    return Run.of(Stream.concat(Stream.of(command), Stream.of(format)).toArray(String[]::new));
  }

  @Test
  void lintPrintsJson() {
    String file = quirks("a.json", about2("a", "\"refuse\": \"r\", \"priv\": false"));

    JsonNode json = MAPPER.readTree(Run.of("quirks", "lint", file, "--json").out());

    assertThat(json.findValuesAsString("rule")).contains("refused", "unknown-id");
    assertThat(json.get(0).get("line").asInt()).isEqualTo(2);
    assertThat(json.get(0).get("severity").asString()).isEqualTo("warning");
  }

  @Test
  void lintOfAFolderWithoutQuirkFilesIsAMistake() throws IOException {
    Path none = Files.createDirectory(folder.resolve("none"));

    assertOneLine(Run.of("quirks", "lint", none.toString()), none + ": there is no quirk file");
    Files.writeString(none.resolve("acme.yaml"), "quirks: []");
    assertThat(Run.of("quirks", "lint", none.toString()).err())
        .contains("in .json, and " + none + "/acme.yaml is not read");
  }

  @Test
  void lintFixChangesTheFormAndNothingElse() throws IOException {
    String file =
        file(
            "acme.json",
            """
            {"quirks":[{"source":"s","id":"a","name":"n","match":{"vendor":"0x8086","device":["0x1"]},
              "hidden":[{"offset":"0xFF8","length":"0x8","what":"w"}]}],"format":1,"$schema":"s.json"}
            """);

    Run run = Run.of("quirks", "lint", "--fix", file);

    assertThat(run.code()).isZero();
    assertThat(Files.readString(Path.of(file)))
        .isEqualTo(
            """
            {
              "$schema": "s.json",
              "format": 1,
              "quirks": [
                {
                  "id": "a",
                  "name": "n",
                  "match": { "vendor": "0x8086", "device": "0x0001" },
                  "hidden": [
                    { "offset": "0xff8", "length": 8, "what": "w" }
                  ],
                  "source": "s"
                }
              ]
            }
            """);
  }

  @Test
  void lintFixLeavesAFileAloneThatCannotBeRead() throws IOException {
    String text = "{ \"format\": 1, \"quirks\": [ 7 ] }";
    String file = file("bad.json", text);

    assertThat(Run.of("quirks", "lint", "--fix", file).code()).isEqualTo(2);
    assertThat(Files.readString(Path.of(file))).isEqualTo(text);
  }

  // test

  @Test
  void testSaysWhichPlacementsChange() {
    String acme = quirks("acme.json", about2("acme-2", "\"available\": \"0x300-0x3ff\""));

    Run run = Run.of("quirks", "test", dump, "--quirks", acme);

    assertThat(run.code()).isZero();
    assertThat(run.out())
        .contains(
            "0000:17:00.1 f00d:0002: 0xd80 (all-zero hole) → 0x300 (declared available), by acme-2")
        .contains("2 functions in 1 file, 1 with an entry about it, 1 placement changed");
  }

  @Test
  void aChangeThatFailsTheTestIsAnError() {
    String acme = quirks("acme.json", about2("acme-2", "\"available\": \"0x300-0x3ff\""));
    String[] test = {"quirks", "test", dump, "--quirks", acme, "--no-changes", "--format"};

    assertThat(formatted(test, "text").code()).isEqualTo(1);
    assertThat(formatted(test, "text").out())
        .contains(":259: error: 0000:17:00.1 f00d:0002: 0xd80", "[placement-changes]");
    assertThat(formatted(test, "github").out()).startsWith("::error file=");
    assertThat(formatted(test, "gitlab").out()).contains("\"severity\" : \"critical\"");
    assertThat(formatted(test, "sarif").out())
        .contains("\"level\" : \"error\"")
        .doesNotContain("\"level\" : \"note\"");
    assertThat(Run.of("quirks", "test", dump, "--quirks", acme, "--format", "sarif").out())
        .contains("\"level\" : \"note\"");
  }

  @Test
  void testOfATableThatMeansNobodyFails() {
    String acme = quirks("acme.json", quirk("other", ", \"device\": \"0x7\"", "\"exec\": false"));

    Run run = Run.of("quirks", "test", dump, "--quirks", acme);

    assertThat(run.code()).isEqualTo(1);
    assertThat(run.out())
        .contains(
            acme
                + ": error: no entry here is about any of the functions in these dumps, so nothing"
                + " was tested; vpasid quirks explain DUMP --quirks "
                + acme
                + " tells of each entry why [nothing-tested]");
    assertThat(Run.of("quirks", "test", dump, "--quirks", acme, "--format", "sarif").out())
        .contains("\"ruleId\" : \"nothing-tested\"", "\"level\" : \"error\"");
  }

  @Test
  void testWithoutQuirksTestsThoseInstalledAndSaysHowToNameOthers() {
    Run run = Run.of("quirks", "test", dump);

    assertThat(run.code()).isEqualTo(1);
    assertThat(run.out())
        .contains("nothing was tested; name a file of yours with --quirks [nothing-tested]");
    assertThat(run.err())
        .contains("note: no --quirks, so the entries that are installed are tested");
  }

  @Test
  void testFailsWhereAPlaceIsOnACapabilityOrAVpasidIsLost() {
    String acme = quirks("acme.json", about2("acme-2", "\"place\": \"0x104\""));
    String everything =
        quirks(
            "all.json",
            about2(
                "all", "\"hidden\": { \"offset\": \"0x40\", \"length\": 4032, \"what\": \"w\" }"));

    Run onCapability = Run.of("quirks", "test", dump, "--quirks", acme);
    Run lost = Run.of("quirks", "test", dump, "--quirks", everything, "--format", "github");

    assertThat(onCapability.code()).isEqualTo(1);
    assertThat(onCapability.out()).contains("error: acme-2 places the capability on [100]");
    assertThat(lost.code()).isEqualTo(1);
    assertThat(lost.out())
        .contains("::error file=" + dump + ",line=")
        .contains("title=placement-lost::0000:17:00.1 f00d:0002: 0xd80 (all-zero hole) → none");
  }

  @Test
  void testTakesARefusalForMeant() {
    String acme = quirks("acme.json", about2("acme-2", "\"refuse\": \"erratum 7\""));

    Run run = Run.of("quirks", "test", dump, "--quirks", acme, "--json");

    assertThat(run.code()).isZero();
    JsonNode json = MAPPER.readTree(run.out());
    assertThat(json.get("good").asBoolean()).isTrue();
    assertThat(json.get("changes").get(0).get("after").asString()).isEqualTo("none");
    assertThat(json.get("changes").get(0).get("lost").asBoolean()).isFalse();
  }

  @Test
  void testSeesANarrowerWidth() {
    String acme = quirks("acme.json", about2("acme-2", "\"maxWidth\": 8"));

    assertThat(Run.of("quirks", "test", dump, "--quirks", acme).out())
        .contains(
            "0xd80, Max PASID Width: 20, Exec-, Priv- (all-zero hole) → 0xd80, Max PASID Width: 8");
  }

  @Test
  void testWithoutDumpsIsBadInput() throws IOException {
    Path empty = Files.createDirectory(folder.resolve("empty"));

    Run run = Run.of("quirks", "test", empty.toString(), "--hw-info", "width=20");

    assertThat(run.code()).isEqualTo(2);
    assertThat(run.err()).isEqualToIgnoringNewLines("vpasid: there is no dump to read in " + empty);
  }

  @Needs(Need.CAPTURES)
  @Test
  void testOfTheInstalledTableOverCapturedMachines() {
    String captured = Captures.file("nvbug-laniusc.txt").toString();

    Run run = Run.of("quirks", "test", captured, "--hw-info", "width=20");

    assertThat(run.code()).isZero();
    assertThat(run.out())
        .contains("10de:2204: ")
        .contains("→ 0x", "(declared available), by nvidia-hda-enable, nvidia-ga10x");
  }

  // all

  @ParameterizedTest
  @ValueSource(strings = {"", "list", "explain", "new", "lint", "test"})
  void everyOneHasHelpWithExamplesAndJson(String command) {
    List<String> arguments =
        command.isEmpty() ? List.of("quirks", "--help") : List.of("quirks", command, "--help");

    Run run = Run.of(arguments.toArray(String[]::new));

    assertThat(run.code()).isZero();
    assertThat(run.out()).contains("Usage: vpasid quirks", "  vpasid quirks ");
    assertThat(run.err()).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(strings = {"list", "explain", "new", "lint", "test"})
  void everyOneOffersJsonAndSaysItsExitCodes(String command) {
    assertThat(Run.of("quirks", command, "--help").out()).contains("--json", "Exit codes:");
  }

  @Test
  void aMissingOrMisspeltCommandIsNamed() {
    assertThat(Run.of("quirks").err()).contains("list, explain, new, lint, test");
    assertThat(Run.of("quirks", "lnt").err()).contains("lnt").contains("did you mean", "lint");
    assertThat(Run.of("quirks", "lnt").code()).isEqualTo(2);
  }

  /// Each of them, in each command that reads quirk files: one line with the place, exit code 2.
  @ParameterizedTest
  @ValueSource(
      strings = {
        // a wrong type
        "{ \"format\": 1, \"quirks\": [ { \"id\": 7 } ] }",
        // an unknown key
        "{ \"format\": 1, \"quirks\": [ { \"id\": \"a\", \"vendr\": \"0x1\" } ] }",
        // a mask outside the dword
        "{ \"format\": 1, \"quirks\": [ { \"hidden\": { \"mask\": \"0x100000000\" } } ] }",
        // a range past 0xfff
        "{ \"format\": 1, \"quirks\": [ { \"available\": \"0xff0-0x1000\" } ] }",
        // the same id twice
        "{ \"format\": 1, \"quirks\": [ { \"id\": \"a\", \"name\": \"n\", \"source\": \"s\","
            + " \"match\": { \"vendor\": \"0x8086\" }, \"exec\": false }, { \"id\": \"a\", \"name\":"
            + " \"n\", \"source\": \"s\", \"match\": { \"vendor\": \"0x8086\" }, \"exec\": false } ]"
            + " }",
        // no JSON at all
        "{ \"format\": 1, \"quirks\": [ }"
      })
  void aBadQuirkFileIsOneLineWithThePlaceAndExitCode2(String text) {
    String bad = file("bad.json", text);

    assertOneLine(Run.of("plan", dump, "--quirks", bad, "--hw-info", "width=20"), bad + ":1:");
    assertOneLine(Run.of("quirks", "list", "--quirks", bad), bad + ":1:");
    assertOneLine(Run.of("quirks", "explain", dump, "--quirks", bad), bad + ":1:");
    assertOneLine(
        Run.of("quirks", "test", dump, "--quirks", bad, "--hw-info", "width=20"), bad + ":1:");
    Run lint = Run.of("quirks", "lint", bad);
    assertThat(lint.code()).isEqualTo(2);
    assertThat(lint.out().lines().filter(l -> l.startsWith(bad + ":1:"))).hasSize(1);
  }

  private static void assertOneLine(Run run, String place) {
    assertThat(run.code()).isEqualTo(2);
    assertThat(run.out()).isEmpty();
    assertThat(run.err().lines()).hasSize(1);
    assertThat(run.err()).startsWith("vpasid: " + place);
  }

  /// Invariant I8: what a file nests is no measure of what it costs.
  @Test
  void aHundredMegabytesOfNestingAreOneLineToo() throws IOException {
    Path deep = folder.resolve("deep.json");
    try (var out = Files.newOutputStream(deep)) {
      byte[] brackets = "[".repeat(1 << 20).getBytes(StandardCharsets.US_ASCII);
      out.write("{ \"format\": 1, \"quirks\": ".getBytes(StandardCharsets.US_ASCII));
      for (int i = 0; i < 100; i++) {
        out.write(brackets);
      }
    }

    assertOneLine(Run.of("quirks", "list", "--quirks", deep.toString()), deep + ": larger than 16");
    assertThat(Run.of("quirks", "lint", deep.toString()).code()).isEqualTo(2);
  }
}
