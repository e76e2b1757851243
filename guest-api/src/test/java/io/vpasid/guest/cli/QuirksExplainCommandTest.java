package io.vpasid.guest.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

class QuirksExplainCommandTest extends WithQuirkFiles {
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
    Path dumps = Files.createDirectory(folder.resolve("folder"));
    Files.copy(Path.of(dump), dumps.resolve("a.txt"));
    Files.writeString(dumps.resolve("b.txt"), "no dump");
    String all = quirks("all.json", quirk("acme-all", "", "\"maxWidth\": 12"));

    Run run = Run.of("quirks", "explain", dumps.toString(), "--quirks", all);
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
}
