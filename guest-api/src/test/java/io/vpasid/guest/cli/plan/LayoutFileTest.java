package io.vpasid.guest.cli.plan;

import static org.assertj.core.api.Assertions.assertThat;

import io.vpasid.guest.cli.Inputs;
import io.vpasid.guest.cli.Run;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// `plan --save` and `--expect`, which compare hosts before a guest moves.
class LayoutFileTest {
  private static final JsonMapper MAPPER = new JsonMapper();

  @TempDir private Path folder;
  private String dump = "";
  private String layout = "";

  @BeforeEach
  void writeDump() {
    dump = Inputs.demo(folder).toString();
    layout = folder + "/layout.json";
  }

  private Run plan(String... more) {
    String[] arguments = new String[more.length + 6];
    System.arraycopy(
        new String[] {"plan", dump, "--function", "17:00.0", "--hw-info", "width=20"},
        0,
        arguments,
        0,
        6);
    System.arraycopy(more, 0, arguments, 6, more.length);
    return Run.of(arguments);
  }

  private String moved(String text) throws IOException {
    return Files.writeString(folder.resolve("target.txt"), text).toString();
  }

  private static void assertOneLineAndExit2(Run run, String... parts) {
    assertThat(run.code()).isEqualTo(2);
    assertThat(run.out()).isEmpty();
    assertThat(run.err().lines()).hasSize(1);
    assertThat(run.err()).startsWith("vpasid: ").contains(parts);
  }

  /// Invariant I6: the same input gives the same layout.
  @Test
  void theSamePlanHasTheLayout() {
    assertThat(plan("--save", layout).code()).isZero();

    Run again = plan("--expect", layout);

    assertThat(again.code()).isZero();
    assertThat(again.out()).contains("0000:17:00.0 has the layout of " + layout);
    assertThat(again.err()).isEmpty();
  }

  @Test
  void theFunctionOfTheTargetMaySitElsewhere() throws IOException {
    plan("--save", layout);
    String target = moved(Files.readString(Path.of(dump)).replace("0000:17:00", "0000:5e:00"));

    Run run =
        Run.of(
            "plan", target, "--function", "5e:00.0", "--hw-info", "width=20", "--expect", layout);

    assertThat(run.code()).isZero();
    assertThat(run.out()).contains("0000:5e:00.0 has the layout of");
  }

  @Test
  void aNarrowerHostIsShownAsTheDifference() {
    plan("--save", layout);

    Run run =
        Run.of("plan", dump, "--function", "17:00.0", "--hw-info", "width=16", "--expect", layout);

    assertThat(run.code()).isEqualTo(1);
    assertThat(run.out())
        .contains("0000:17:00.0 does not have the layout of " + layout)
        .contains(
            "vpasid: expected at 0x1a0, width 20, no exec, no priv, found at 0x1a0, width 16, no"
                + " exec, no priv");
  }

  @Test
  void anotherPlaceShowsInTheListToo() {
    plan("--save", layout);

    Run run = plan("--offset", "0x300", "--expect", layout, "--json");

    assertThat(run.code()).isEqualTo(1);
    JsonNode compared = MAPPER.readTree(run.out()).get(0).get("layout");
    assertThat(compared.get("equal").asBoolean()).isFalse();
    assertThat(compared.get("differences").toString())
        .contains("extended 0x1a0: expected id 0x001b, version 1, next 0x", "found nothing")
        .contains("extended 0x300: expected nothing, found id 0x001b, version 1");
  }

  @Test
  void aHostWithoutPasidIsADifference() {
    plan("--save", layout);

    Run run =
        Run.of("plan", dump, "--function", "17:00.0", "--hw-info", "none", "--expect", layout);

    assertThat(run.code()).isEqualTo(1);
    assertThat(run.out()).contains("vpasid: expected at 0x1a0", "found none");
  }

  @Test
  void ofSeveralFunctionsEachIsHeldAgainstTheOneOfItsAddress() {
    assertThat(Run.of("plan", dump, "--hw-info", "width=20", "--save", layout).code()).isZero();

    Run both = Run.of("plan", dump, "--hw-info", "width=20", "--expect", layout);
    Run one = plan("--expect", layout);

    assertThat(both.code()).isZero();
    assertThat(one.code()).isEqualTo(1);
    assertThat(one.out())
        .contains("0000:17:00.0 has the layout of")
        .containsSubsequence("0000:17:00.1 does not have the layout of", "not in the plan");
  }

  /// The fingerprint can be computed by anyone: here from the file alone.
  @Test
  void theFingerprintIsThatOfTheFacts() throws Exception {
    plan("--save", layout);
    JsonNode saved = MAPPER.readTree(Path.of(layout).toFile()).get("layouts").get(0);

    String lines =
        saved.get("facts").properties().stream()
            .map(fact -> fact.getKey() + "=" + fact.getValue().asString() + "\n")
            .collect(Collectors.joining());
    byte[] digest =
        MessageDigest.getInstance("SHA-256").digest(lines.getBytes(StandardCharsets.UTF_8));

    assertThat(saved.get("fingerprint").asString())
        .isEqualTo("sha256:" + HexFormat.of().formatHex(digest));
    assertThat(MAPPER.readTree(plan("--json").out()).get(0).get("fingerprint").asString())
        .isEqualTo(saved.get("fingerprint").asString());
    assertThat(lines)
        .startsWith("device=f00d:0001\nsubsystem=f00d:0001\nclass=0x0b4000\nrevision=0x01\n")
        .endsWith("vpasid=at 0x1a0, width 20, no exec, no priv\n");
  }

  @Test
  void savingAgainReplacesALayoutFileAndNothingElse() throws IOException {
    plan("--save", layout);
    String notes = Files.writeString(folder.resolve("notes.txt"), "mine\n").toString();

    assertThat(plan("--save", layout).code()).isZero();
    assertOneLineAndExit2(plan("--save", notes), notes + ": is there and is no layout file");
    assertThat(Path.of(notes)).hasContent("mine");
    assertOneLineAndExit2(
        plan("--save", folder + "/none/layout.json"), "cannot be written: there is no such");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "nothing",
        "[]",
        "{ \"format\": 1 }",
        "{ \"format\": 1, \"layouts\": [] }",
        "{ \"format\": 1, \"layouts\": [ {} ] }",
        "{ \"format\": 1, \"layouts\": [ 7 ] }",
        "{ \"format\": 2, \"layouts\": [] }",
        "{ \"format\": 1, \"format\": 1, \"layouts\": [] }",
        "{ \"format\": 1, \"layouts\": [] } x",
        "{ \"format\": 1, \"layouts\": [ { \"function\": \"a\", \"facts\": { \"a\": \"b\" } } ] }"
      })
  void aBadLayoutFileIsOneLine(String text) throws IOException {
    Path bad = Files.writeString(folder.resolve("bad.json"), text);

    assertOneLineAndExit2(plan("--expect", bad.toString()), bad + ":");
  }

  @Test
  void aChangedLayoutFileIsRefused() throws IOException {
    plan("--save", layout);
    Path file = Path.of(layout);
    Files.writeString(file, Files.readString(file).replace("width 20", "width 19"));

    assertOneLineAndExit2(
        plan("--expect", layout), layout + ":", "the fingerprint of 0000:17:00.0 does not fit");
  }

  @Test
  void aMissingLayoutFileIsNamed() {
    assertOneLineAndExit2(
        plan("--expect", layout), layout + ": cannot be read: there is no such file or folder");
  }

  /// Invariant I8: what a file nests is no measure of what it costs.
  @Test
  void nestingAndSizeAreOneLineToo() throws IOException {
    Path deep = Files.writeString(folder.resolve("deep.json"), "[".repeat(3 << 20));
    Path large = Files.writeString(folder.resolve("large.json"), " ".repeat(5 << 20));

    assertOneLineAndExit2(
        plan("--expect", deep.toString()), deep + ":1:1: a layout file must be an object { … }");
    assertOneLineAndExit2(plan("--expect", large.toString()), large + ": larger than 4 MiB");
  }
}
