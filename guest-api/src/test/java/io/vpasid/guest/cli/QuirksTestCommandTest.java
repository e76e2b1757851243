package io.vpasid.guest.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.networknt.schema.InputFormat;
import io.vpasid.testing.Captures;
import io.vpasid.testing.Need;
import io.vpasid.testing.Needs;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

class QuirksTestCommandTest extends WithQuirkFiles {
  @Test
  void testPrintsSarifOfFindingsAndChanges() {
    String acme = quirks("acme.json", about2("acme-2", "\"available\": \"0x300-0x3ff\""));

    Run run = Run.of("quirks", "test", dump, "--quirks", acme, "--format", "sarif");

    assertThat(SARIF.validate(run.out(), InputFormat.JSON)).isEmpty();
    assertThat(MAPPER.readTree(run.out()).findValuesAsString("ruleId"))
        .containsExactly("placement-changes");
  }

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
}
