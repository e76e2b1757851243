package io.vpasid.guest.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.vpasid.testing.Captures;
import io.vpasid.testing.Need;
import io.vpasid.testing.Needs;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

class QuirksNewCommandTest extends WithQuirkFiles {
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
}
