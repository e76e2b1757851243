package io.vpasid.guest.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.networknt.schema.InputFormat;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

class QuirksLintCommandTest extends WithQuirkFiles {
  private static JsonNode at(JsonNode result) {
    return result.get("locations").get(0).get("physicalLocation");
  }

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

  /// The checks would pass a report in which nothing may be wrong.
  @Test
  void schemaOfSarifFindsMistakes() {
    assertThat(SARIF.validate("{ \"version\": \"2.0\", \"runs\": [] }", InputFormat.JSON))
        .isNotEmpty();
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
}
