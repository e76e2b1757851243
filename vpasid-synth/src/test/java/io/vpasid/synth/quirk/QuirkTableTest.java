package io.vpasid.synth.quirk;

import static io.vpasid.synth.quirk.QuirkFiles.function;
import static io.vpasid.synth.quirk.QuirkFiles.quirk;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vpasid.pci.ByteRange;
import io.vpasid.pci.PciId;
import io.vpasid.synth.json.JsonFileException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class QuirkTableTest {
  private static final FunctionIdentity ROCKET =
      new FunctionIdentity(
          new PciId(0x1234, 0x0015),
          new PciId(0x1028, 0x0007),
          0x030200,
          0xa1,
          FunctionKind.PHYSICAL);

  @TempDir Path folder;

  /// A table of one layer.
  private static QuirkTable table(Quirk... quirks) {
    return QuirkTable.empty().with(List.of(quirks));
  }

  private Path write(String name, String text) throws IOException {
    return Files.writeString(folder.resolve(name), text);
  }

  @Test
  void anEmptyTableKnowsNothing() {
    assertThat(QuirkTable.empty().match(ROCKET)).isSameAs(MatchedQuirks.NONE);
    assertThat(QuirkTable.empty().matching(ROCKET)).isEmpty();
    assertThat(QuirkTable.empty().entries()).isEmpty();
  }

  @Test
  void everyConditionMustHold() {
    String all =
        """
        "vendor": "0x1234", "device": "0x0010-0x001f", "subsystem": "0x1028:0x0007",
        "class": "0x03xxxx", "revision": "0xa0-0xaf", "function": "physical"
        """;
    QuirkMatch match = quirk("a", all, "\"exec\": false").matches().getFirst();
    PciId id = ROCKET.id();
    PciId subsystem = ROCKET.subsystem();

    assertThat(match.matches(ROCKET)).isTrue();
    assertThat(match.matches(ROCKET.withId(new PciId(0x1235, 0x0015)))).isFalse();
    assertThat(match.matches(ROCKET.withId(new PciId(0x1234, 0x0020)))).isFalse();
    assertThat(
            match.matches(
                new FunctionIdentity(
                    id, new PciId(0x1028, 0x0008), 0x030200, 0xa1, FunctionKind.PHYSICAL)))
        .isFalse();
    assertThat(
            match.matches(
                new FunctionIdentity(id, subsystem, 0x040300, 0xa1, FunctionKind.PHYSICAL)))
        .isFalse();
    assertThat(
            match.matches(
                new FunctionIdentity(id, subsystem, 0x030200, 0xb0, FunctionKind.PHYSICAL)))
        .isFalse();
    assertThat(
            match.matches(
                new FunctionIdentity(id, subsystem, 0x030200, 0xa1, FunctionKind.VIRTUAL)))
        .isFalse();
  }

  @Test
  void anyOfSeveralAlternativesWillDo() {
    Quirk quirk =
        quirk(
            "a",
            "\"vendor\": \"0x1234\", \"device\": [\"0x1\", \"0x7\"], \"class\": [\"0x02xxxx\"]",
            "\"exec\": false");

    assertThat(table(quirk).matching(function(0x1234, 0x1))).containsExactly(quirk);
    assertThat(table(quirk).matching(function(0x1234, 0x7))).containsExactly(quirk);
    assertThat(table(quirk).matching(function(0x1234, 0x4))).isEmpty();
  }

  @Test
  void aFunctionWithoutSubsystemMatchesNoneThatNamesOne() {
    Quirk quirk = quirk("a", "\"vendor\": \"0x1234\", \"subsystem\": \"0x0\"", "\"exec\": false");

    assertThat(table(quirk).matching(function(0x1234, 0x1))).isEmpty();
  }

  @Test
  void aMatchWithoutVendorIsAboutAllVendors() {
    Quirk quirk = quirk("a", "\"class\": \"0x0200xx\"", "\"exec\": false");

    assertThat(table(quirk).matching(function(0x0000, 0x0000))).containsExactly(quirk);
    assertThat(table(quirk).matching(function(0xffff, 0xffff))).containsExactly(quirk);
    assertThat(table(quirk).matching(ROCKET)).isEmpty();
  }

  @Test
  void rangesAddUp() {
    QuirkTable table =
        table(
            quirk(
                "vendor",
                "\"vendor\": \"0x1234\"",
                """
                "hidden": { "offset": "0x800", "length": 4, "what": "high" },
                "available": "0x100-0x1ff", "shadow": "0x800-0x807"
                """),
            quirk(
                "device",
                "\"vendor\": \"0x1234\", \"device\": \"0x15\"",
                """
                "hidden": { "offset": "0x400", "length": 4, "what": "low" },
                "available": "0x300-0x3ff", "shadow": "0x900-0x907"
                """));

    MatchedQuirks matched = table.match(ROCKET);

    assertThat(matched.hiddenBits()).extracting(HiddenBits::what).containsExactly("low", "high");
    assertThat(matched.hiddenBits())
        .extracting(h -> h.source().entryId())
        .containsExactly("device", "vendor");
    assertThat(matched.available())
        .as("the more specific first")
        .extracting(Decision::value)
        .containsExactly(new ByteRange(0x300, 0x100), new ByteRange(0x100, 0x100));
    assertThat(matched.shadowing())
        .extracting(Decision::value)
        .containsExactlyInAnyOrder(new ByteRange(0x800, 8), new ByteRange(0x900, 8));
  }

  @Test
  void theMoreSpecificMatchDecidesSingleValues() {
    QuirkTable table =
        table(
            quirk("device", "\"vendor\": \"0x1234\", \"device\": \"0x15\"", "\"place\": \"0x200\""),
            quirk(
                "vendor",
                "\"vendor\": \"0x1234\"",
                "\"place\": \"0x300\", \"maxWidth\": 8, \"refuse\": \"no\", \"exec\": false"));

    MatchedQuirks matched = table.match(ROCKET);

    assertThat(matched.pinnedOffset())
        .contains(new Decision<>(0x200, new QuirkSource("test", "test.json", "device")));
    assertThat(matched.maxWidth())
        .contains(new Decision<>(8, new QuirkSource("test", "test.json", "vendor")));
    assertThat(matched.refusal()).map(Decision::value).contains("no");
    assertThat(matched.exec()).map(Decision::value).contains(false);
    assertThat(matched.priv()).isEmpty();
  }

  @Test
  void specificityHasAnOrder() {
    List<String> leastSpecificFirst =
        List.of(
            "\"class\": \"0x03xxxx\"",
            "\"class\": \"0x0302xx\"",
            "\"class\": \"0x03xxxx\", \"function\": \"physical\"",
            "\"class\": \"0x030200\", \"revision\": \"0xa1\"",
            "\"vendor\": \"0x1234\"",
            "\"vendor\": \"0x1234\", \"class\": \"0x030200\", \"function\": \"physical\"",
            "\"vendor\": \"0x1234\", \"device\": \"0x0-0xff\"",
            "\"vendor\": \"0x1234\", \"device\": \"0x15\"",
            "\"vendor\": \"0x1234\", \"device\": \"0x15\", \"function\": \"physical\"",
            "\"vendor\": \"0x1234\", \"device\": \"0x15\", \"revision\": \"0xa0-0xaf\"",
            "\"class\": \"0x03xxxx\", \"subsystem\": \"0x1028\"",
            "\"vendor\": \"0x1234\", \"device\": \"0x15\", \"subsystem\": \"0x1028\"",
            "\"vendor\": \"0x1234\", \"subsystem\": \"0x1028:0x0007\"");
    List<Quirk> mostSpecificFirst =
        leastSpecificFirst.reversed().stream()
            .map(match ->
                quirk("q" + leastSpecificFirst.indexOf(match), match, "\"place\": \"0x100\""))
            .toList();

    assertThat(QuirkTable.empty().with(mostSpecificFirst).matching(ROCKET))
        .containsExactlyElementsOf(mostSpecificFirst.reversed());
  }

  @Test
  void theMostSpecificAlternativeCounts() {
    QuirkTable table =
        table(
            quirk(
                "list",
                "\"vendor\": \"0x1234\", \"device\": [\"0x0-0xff\", \"0x15\"]",
                "\"place\": \"0x200\""),
            quirk(
                "range",
                "\"vendor\": \"0x1234\", \"device\": \"0x15-0x16\"",
                "\"place\": \"0x300\""));

    assertThat(table.match(ROCKET).pinnedOffset()).map(Decision::value).contains(0x200);
    assertThat(table.matching(ROCKET))
        .as("each once")
        .extracting(Quirk::id)
        .containsExactly("range", "list");
  }

  @Test
  void ofEquallySpecificMatchesTheLastCounts() {
    QuirkTable table =
        table(
            quirk("first", "\"vendor\": \"0x1234\"", "\"maxWidth\": 8"),
            quirk("last", "\"vendor\": \"0x1234\"", "\"maxWidth\": 16"));

    assertThat(table.match(ROCKET).maxWidth()).map(Decision::value).contains(16);
  }

  @Test
  void aLaterLayerDecidesOverAMoreSpecificMatch() {
    QuirkTable table =
        table(
                quirk(
                    "early",
                    "\"vendor\": \"0x1234\", \"device\": \"0x15\"",
                    "\"maxWidth\": 8, \"hidden\": { \"offset\": \"0x40\", \"length\": 4, \"what\":"
                        + " \"w\" }"))
            .with(List.of(quirk("late", "\"vendor\": \"0x1234\"", "\"maxWidth\": 16")));

    assertThat(table.match(ROCKET).maxWidth()).map(Decision::value).contains(16);
    assertThat(table.match(ROCKET).hiddenBits()).as("ranges still add up").hasSize(1);
  }

  @Test
  void aQuirkOfALaterLayerReplacesOneWithItsId() {
    QuirkTable early =
        table(
            quirk("a", "\"vendor\": \"0x1234\"", "\"refuse\": \"no\""),
            quirk("b", "\"vendor\": \"0x1234\"", "\"maxWidth\": 8"));
    Quirk correction = quirk("a", "\"vendor\": \"0x1234\"", "\"priv\": false");

    QuirkTable table = early.with(List.of(correction));

    assertThat(table.match(ROCKET).refusal()).isEmpty();
    assertThat(table.match(ROCKET).maxWidth()).map(Decision::value).contains(8);
    assertThat(table.entries()).extracting(Quirk::id).containsExactly("b", "a");
    assertThat(early.match(ROCKET).refusal()).as("the earlier table stays").isPresent();
    assertThat(table.replacements())
        .containsExactly(new QuirkTable.Replacement(early.entries().getFirst(), correction));
    assertThat(early.replacements()).isEmpty();
  }

  /// The layers of the command line: built in, system, administrator, --quirks.
  @Test
  void ofFourLayersTheLastCounts() throws IOException {
    Path system = Files.createDirectory(folder.resolve("system"));
    Path administrator = Files.createDirectory(folder.resolve("administrator"));
    String match = "\"vendor\": \"0x10de\", \"device\": \"0x2204\"";
    write("system/a.json", QuirkFiles.file("a", match, "\"place\": \"0x200\", \"maxWidth\": 9"));
    write("administrator/b.json", QuirkFiles.file("b", match, "\"maxWidth\": 10"));
    Path named = write("c.json", QuirkFiles.file("c", match, "\"priv\": false"));

    MatchedQuirks quirks =
        QuirkTable.builtIn()
            .withIfPresent(system, QuirkTable.SYSTEM)
            .withIfPresent(administrator, QuirkTable.ADMINISTRATOR)
            .with(named, QuirkTable.COMMAND_LINE)
            .match(
                new FunctionIdentity(
                    new PciId(0x10de, 0x2204),
                    FunctionIdentity.NO_SUBSYSTEM,
                    0x030000,
                    0xa1,
                    FunctionKind.PHYSICAL));

    assertThat(quirks.pinnedOffset().orElseThrow().source().layer()).isEqualTo("system");
    assertThat(quirks.maxWidth().orElseThrow().value()).isEqualTo(10);
    assertThat(quirks.maxWidth().orElseThrow().source().layer()).isEqualTo("administrator");
    assertThat(quirks.priv().orElseThrow().source().layer()).isEqualTo("command line");
    assertThat(quirks.hiddenBits()).as("of the built-in layer").hasSizeGreaterThan(40);
  }

  @Test
  void nearMissesNameTheDeviceAndTheConditionThatFails() {
    QuirkTable table =
        table(
            quirk("meant", "\"vendor\": \"0x1234\"", "\"exec\": false"),
            quirk(
                "subsystem",
                "\"vendor\": \"0x1234\", \"subsystem\": [\"0x1028:0x0008\", \"0x1043\"]",
                "\"exec\": false"),
            quirk(
                "class",
                "\"vendor\": \"0x1234\", \"device\": \"0x0015\", \"class\": \"0x0200xx\"",
                "\"exec\": false"),
            quirk(
                "revision",
                "\"vendor\": \"0x1234\", \"revision\": \"0xb0-0xbf\"",
                "\"exec\": false"),
            quirk("kind", "\"vendor\": \"0x1234\", \"function\": \"virtual\"", "\"exec\": false"),
            quirk(
                "other-class",
                "\"vendor\": \"0x1234\", \"class\": \"0x0200xx\"",
                "\"exec\": false"),
            quirk(
                "other-device", "\"vendor\": \"0x1234\", \"device\": \"0x16\"", "\"exec\": false"),
            quirk("other-vendor", "\"vendor\": \"0x1235\"", "\"exec\": false"));

    assertThat(table.nearMisses(ROCKET))
        .extracting(miss -> miss.quirk().id() + ": " + miss.why())
        .containsExactly(
            "subsystem: subsystem 0x1028:0x0008 or 0x1043, not 1028:0007",
            "class: class 0x0200xx, not 0x030200",
            "revision: revision 0xb0-0xbf, not 0xa1",
            "kind: function virtual, not physical");
  }

  @Test
  void quirksOfTheCommandLineSayWhyTheyAreNotMeant() throws IOException {
    Path vendor =
        write("a.json", QuirkFiles.file("a", "\"vendor\": \"0x1235\"", "\"exec\": false"));
    Path devices =
        write(
            "b.json",
            QuirkFiles.file(
                "b",
                "\"vendor\": \"0x1234\", \"device\": [\"0x16\", \"0x20-0x2f\"]",
                "\"exec\": false"));
    Path meant = write("c.json", QuirkFiles.file("c", "\"vendor\": \"0x1234\"", "\"exec\": false"));
    QuirkTable table =
        table(quirk("early", "\"vendor\": \"0x1236\"", "\"exec\": false"))
            .with(vendor, QuirkTable.COMMAND_LINE)
            .with(devices, QuirkTable.COMMAND_LINE)
            .with(meant, QuirkTable.COMMAND_LINE);

    assertThat(table.namedFor(ROCKET.id()))
        .isEqualTo(table.nearMisses(ROCKET))
        .extracting(miss -> miss.quirk().id() + ": " + miss.why())
        .containsExactly(
            "a: vendor 0x1235, not 0x1234", "b: device 0x0016 or 0x0020-0x002f, not 0x0015");
  }

  @Test
  void quirksThatNameADeviceComeBeforeThoseOfItsVendorAndOfAll() {
    QuirkTable table =
        table(
            quirk("all", "\"class\": \"0x03xxxx\"", "\"exec\": false"),
            quirk("vendor", "\"vendor\": \"0x1234\", \"class\": \"0x02xxxx\"", "\"exec\": false"),
            quirk("range", "\"vendor\": \"0x1234\", \"device\": \"0x10-0x1f\"", "\"exec\": false"),
            quirk("device", "\"vendor\": \"0x1234\", \"device\": \"0x15\"", "\"exec\": false"),
            quirk("other", "\"vendor\": \"0x1234\", \"device\": \"0x16\"", "\"exec\": false"),
            quirk("another", "\"vendor\": \"0x1235\"", "\"exec\": false"));

    assertThat(table.naming(ROCKET.id()))
        .extracting(Quirk::id)
        .containsExactly("device", "range", "vendor", "all");
  }

  @Test
  void aMatchPrintsItsConditions() {
    assertThat(
            quirk(
                    "a",
                    """
                    "vendor": "0x1234", "device": ["0x15", "0x20-0x2f"], "subsystem": "0x1028",
                    "class": "0x03xxxx", "revision": "0xa1", "function": "virtual"
                    """,
                    "\"exec\": false")
                .matches()
                .getFirst())
        .hasToString(
            "vendor 0x1234, device 0x0015 or 0x0020-0x002f, subsystem 0x1028, class 0x03xxxx,"
                + " revision 0xa1, function virtual");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          "class": "0x03xxxx"                          | "class": "0x0300xx"                             | true
          "class": "0x0300xx"                          | "class": "0x03xxxx"                             | false
          "vendor": "0x1234"                           | "vendor": "0x1234", "device": "0x15"            | true
          "vendor": "0x1234"                           | "vendor": "0x1235"                              | false
          "vendor": "0x1234"                           | "class": "0x03xxxx"                             | false
          "vendor": "0x1234", "device": "0x10-0x1f"    | "vendor": "0x1234", "device": ["0x10", "0x1f"]  | true
          "vendor": "0x1234", "device": "0x10-0x1f"    | "vendor": "0x1234", "device": ["0x10", "0x20"]  | false
          "vendor": "0x1234", "device": "0x10-0x1f"    | "vendor": "0x1234", "device": "0xf-0x10"        | false
          "vendor": "0x1234", "device": "0x15"         | "vendor": "0x1234"                              | false
          "vendor": "0x1234", "subsystem": "0x1028"    | "vendor": "0x1234", "subsystem": "0x1028:0x7"   | true
          "vendor": "0x1234", "subsystem": "0x1028:0x7"| "vendor": "0x1234", "subsystem": "0x1028:0x7"   | true
          "vendor": "0x1234", "subsystem": "0x1028:0x7"| "vendor": "0x1234", "subsystem": "0x1028"       | false
          "vendor": "0x1234", "subsystem": "0x1028:0x7"| "vendor": "0x1234", "subsystem": "0x1028:0x8"   | false
          "vendor": "0x1234", "subsystem": "0x1029"    | "vendor": "0x1234", "subsystem": "0x1028"       | false
          "vendor": "0x1234", "function": "virtual"    | "vendor": "0x1234"                              | false
          "vendor": "0x1234"                           | "vendor": "0x1234", "function": "virtual"       | true
          "vendor": "0x1234", "revision": "0x0-0x7"    | "vendor": "0x1234", "revision": "0x7"           | true
          """)
  void aMatchContainsThoseThatAskForMore(String outer, String inner, boolean contained) {
    QuirkMatch wide = quirk("a", outer, "\"exec\": false").matches().getFirst();
    QuirkMatch narrow = quirk("b", inner, "\"exec\": false").matches().getFirst();

    assertThat(wide.contains(narrow)).isEqualTo(contained);
  }

  @Test
  void aFileIsALayer() throws IOException {
    Path file =
        write("site.json", QuirkFiles.file("site-7", "\"vendor\": \"0x1234\"", "\"maxWidth\": 8"));

    QuirkTable table = QuirkTable.empty().with(file, QuirkTable.COMMAND_LINE);

    assertThat(table.match(ROCKET).maxWidth())
        .contains(
            new Decision<>(8, new QuirkSource(QuirkTable.COMMAND_LINE, file.toString(), "site-7")));
    assertThat(table.match(ROCKET).maxWidth().orElseThrow())
        .hasToString("8 by site-7 (" + file + ")");
  }

  @Test
  void aFolderIsALayerOfItsJsonFilesByName() throws IOException {
    write("20.json", QuirkFiles.file("b", "\"vendor\": \"0x1234\"", "\"maxWidth\": 2"));
    write("10.json", QuirkFiles.file("a", "\"vendor\": \"0x1234\"", "\"maxWidth\": 1"));
    write("README", "no quirks");
    write(".20.json", "an editor's copy");

    QuirkTable table = QuirkTable.empty().with(folder, QuirkTable.ADMINISTRATOR);

    assertThat(table.entries()).extracting(Quirk::id).containsExactly("a", "b");
    assertThat(table.match(ROCKET).maxWidth()).map(Decision::value).contains(2);
  }

  @Test
  void anEmptyFolderIsAnEmptyLayer() {
    assertThat(QuirkTable.empty().with(folder, QuirkTable.ADMINISTRATOR).entries()).isEmpty();
  }

  @Test
  void idsAreUniqueInAFolder() throws IOException {
    Path first = write("1.json", QuirkFiles.file("a", "\"vendor\": \"0x1\"", "\"exec\": false"));
    Path second =
        write("2.json", "\n" + QuirkFiles.file("a", "\"vendor\": \"0x2\"", "\"exec\": false"));

    assertThatThrownBy(() -> QuirkTable.empty().with(folder, QuirkTable.ADMINISTRATOR))
        .isInstanceOf(JsonFileException.class)
        .hasMessage(
            second + ":2:28: the id \"a\" is already used in " + first + ":1; choose another");
  }

  @Test
  void aWrongFileInAFolderIsNamed() throws IOException {
    Path wrong = write("1.json", "{ \"format\": 1 }");

    assertThatThrownBy(() -> QuirkTable.empty().with(folder, QuirkTable.ADMINISTRATOR))
        .isInstanceOf(JsonFileException.class)
        .hasMessage(wrong + ":1:1: the file has no \"quirks\"; add \"quirks\": [ … ]");
  }

  @Test
  void aPathThatIsNotThereIsAnErrorUnlessItMayBeMissing() {
    Path missing = folder.resolve("missing.json");

    assertThatThrownBy(() -> QuirkTable.empty().with(missing, QuirkTable.COMMAND_LINE))
        .isInstanceOf(JsonFileException.class)
        .hasMessage(missing + ": no such file or folder; check the path");
    assertThat(QuirkTable.empty().withIfPresent(missing, QuirkTable.SYSTEM))
        .isSameAs(QuirkTable.empty());
  }

  @Test
  void aFolderNamedLikeAFileIsAnError() throws IOException {
    Path inner = Files.createDirectory(folder.resolve("inner.json"));

    assertThatThrownBy(() -> QuirkTable.empty().with(folder, QuirkTable.ADMINISTRATOR))
        .isInstanceOf(JsonFileException.class)
        .hasMessage(inner + ": not a regular file; take it out of the folder or name a file");
  }

  @Test
  void aFileNameThatCannotBePrintedIsShownWithoutHarm() throws IOException {
    write("a\nb.json", "");

    assertThatThrownBy(() -> QuirkTable.empty().with(folder, QuirkTable.ADMINISTRATOR))
        .isInstanceOf(JsonFileException.class)
        .hasMessageContaining("a?b.json:1:1: the file is empty")
        .hasMessageNotContaining("\n");
  }
}
