package io.vpasid.guest.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.vpasid.guest.cli.terminal.Terminal;
import io.vpasid.testing.Captures;
import io.vpasid.testing.InstalledTool;
import io.vpasid.testing.Need;
import io.vpasid.testing.Needs;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class PlanCommandTest {
  private static final JsonMapper MAPPER = new JsonMapper();

  @TempDir private Path folder;

  @Needs(Need.CAPTURES)
  @Test
  void namesFunctionOffsetReasonsLinkAndBytes() {
    Run run =
        Run.of(
            "plan",
            Captures.file("pciutils-pri-pasid.txt").toString(),
            "--hw-info",
            "width=20,priv");

    assertThat(run.code()).isZero();
    assertThat(run.out())
        .contains("8086:0b25")
        .contains("at 0x230, Max PASID Width: 20, Exec-, Priv+")
        .contains("The device's own PASID capability is there")
        .contains(
            "behind [220] Address Translation Services (ATS), whose next pointer changes from 0x240"
                + " to 0x230")
        .contains("1b 00 01 24 04 14 00 00");
    assertThat(run.err()).isEmpty();
  }

  @Needs({Need.CAPTURES, Need.LSPCI})
  @Test
  void lspciReadsTheGuestViewAndFindsEveryOtherCapabilityWhereItWas() throws IOException {
    Path captured = Captures.file("pciutils-pri-pasid.txt");
    Run run =
        Run.of("plan", captured.toString(), "--hw-info", "width=20,priv", "--format", "lspci");
    Path written = Files.writeString(folder.resolve("guest.txt"), run.out());

    String before = InstalledTool.run("lspci", "-F", captured.toString(), "-vvv");
    String after = InstalledTool.run("lspci", "-F", written.toString(), "-vvv");

    assertThat(after)
        .contains("Capabilities: [230 v1] Process Address Space ID (PASID)")
        .contains("PASIDCap: Exec- Priv+, Max PASID Width: 14")
        .contains("PASIDCtl: Enable- Exec- Priv-");
    assertThat(capabilities(after)).isEqualTo(capabilities(before)).hasSizeGreaterThan(8);
  }

  private static List<String> capabilities(String lspci) {
    return Pattern.compile("Capabilities: \\[[0-9a-f]+")
        .matcher(lspci)
        .results()
        .map(m -> m.group())
        .toList();
  }

  @Test
  void hostWithoutPasidDeclinesWithExitCode1() {
    Run run = Run.of("plan", Inputs.demo(folder).toString(), "--hw-info", "none");

    assertThat(run.code()).isEqualTo(1);
    assertThat(run.out()).contains("none    -       the host has no PASIDs");
    assertThat(
            Run.of("plan", Inputs.demo(folder).toString(), "--hw-info", "none", "--details").out())
        .contains("The host has no PASIDs for this device");
  }

  @Test
  void functionPicksOneOfSeveral() {
    String dump = Inputs.demo(folder).toString();

    assertThat(Run.of("plan", dump).out()).contains("0000:17:00.0").contains("0000:17:00.1");
    assertThat(Run.of("plan", dump, "--function", "17:00.1").out())
        .doesNotContain("0000:17:00.0 ")
        .contains("0000:17:00.1");
  }

  @Needs(Need.CAPTURES)
  @Test
  void stdoutCarriesOnlyTheGuestViewsOfThosePlaced() {
    String several = Captures.file("coreboot-e6430.txt").toString();

    Run run = Run.of("plan", several, "--hw-info", "width=16", "--format", "lspci");

    assertThat(run.code()).isZero();
    assertThat(run.out().lines())
        .allMatch(l -> l.isEmpty() || l.matches("[0-9a-f]{2,3}:( [0-9a-f]{2}){16}|[0-9a-f:.]+ .*"));
    assertThat(run.out()).contains("0000:00:1b.0").doesNotContain("0000:00:01.0");
    assertThat(run.err())
        .contains("0000:00:01.0 8086:0151: no vPASID. Header type 1")
        .contains("0000:00:1b.0 8086:1e20: vPASID at 0x");
  }

  @Test
  void jsonSaysTheSame() {
    Run run =
        Run.of("plan", Inputs.demo(folder).toString(), "--hw-info", "width=16,exec", "--json");

    JsonNode plans = MAPPER.readTree(run.out());
    assertThat(plans.size()).isEqualTo(2);
    assertThat(plans.get(0).get("offset").asString()).isEqualTo("0x1a0");
    assertThat(plans.get(0).get("strategy").asString()).isEqualTo("own_slot");
    assertThat(plans.get(1).get("id").asString()).isEqualTo("f00d:0002");
    assertThat(plans.get(1).get("width").asInt()).isEqualTo(16);
    assertThat(plans.get(1).get("exec").asBoolean()).isTrue();
  }

  /// QEMU writes guest writes through, so the device's own capability is no place for it.
  @Test
  void textAndJsonShowThePlaceForQemuBesideTheOwnSlot() {
    String dump = Inputs.demo(folder).toString();

    assertThat(Run.of("plan", dump, "--function", "17:00.0").out())
        .contains("at 0x1a0,")
        .contains(
            "QEMU         x-vpasid-cap-offset=0xd80 (not 0x1a0: QEMU passes guest writes on to the"
                + " device)");
    assertThat(Run.of("plan", dump, "--function", "17:00.1").out())
        .containsPattern("QEMU +x-vpasid-cap-offset=0xd80\\R");
    JsonNode plans = MAPPER.readTree(Run.of("plan", dump, "--json").out());
    assertThat(plans.get(0).get("offset").asString()).isEqualTo("0x1a0");
    assertThat(plans.get(0).get("qemu").get("offset").asString()).isEqualTo("0xd80");
    assertThat(plans.get(0).get("qemu").get("notes").get(0).asString()).startsWith("Not at 0x1a0");
  }

  @Test
  void severalFunctionsAreALineEachAndWhatTheirGuestNeedsIsSaidOnce() {
    String dump = Inputs.demo(folder).toString();

    Run run = Run.of("plan", dump, "--hw-info", "width=20");

    assertThat(run.out())
        .containsPattern("0000:17:00.0 +f00d:0001 0x1a0 +0xd80 +the device's own hidden capability")
        .containsPattern("0000:17:00.1 +f00d:0002 0xd80 +0xd80 +all-zero hole")
        .containsOnlyOnce("P2 open")
        .contains("2 functions, 2 get a vPASID; --function ADDRESS or --details shows why")
        .doesNotContain("passed over");
    assertThat(Run.of("plan", dump, "--hw-info", "width=20", "--details").out())
        .contains("The physical registers are shadowed")
        .containsPattern("(?s)P2 open.*P2 open");
  }

  @Test
  void linesEndBetweenWordsWhereTheTerminalEnds() {
    String dump = Inputs.demo(folder).toString();

    for (int columns : new int[] {80, 120, 200}) {
      Run run =
          Run.on(
              new Terminal(true, true, false, () -> columns),
              "plan",
              dump,
              "--details",
              "--preflight");
      assertThat(run.out().lines()).allMatch(line -> line.length() <= columns);
      assertThat(run.out().replaceAll("\\s+", " "))
          .isEqualTo(
              Run.of("plan", dump, "--details", "--preflight").out().replaceAll("\\s+", " "));
    }
  }

  /// The first function lacks the prefixes, the second has a PCI Express capability of version 1,
  /// of the third nothing says no.
  @Test
  void whatACheckSaysOfOneFunctionIsNotSaidOfAnother() throws IOException {
    String text = Files.readString(Inputs.demo(folder));
    String one = text.substring(0, text.indexOf("0000:17:00.1"));
    String lacking = one.replaceFirst("(?m)^(60: (?:.. ){6})..", "$100");
    String old = one.replaceFirst("(?m)^(40: (?:.. ){2}).2", "$101").replace("17:00.0", "18:00.0");
    String good = one.replace("17:00.0", "19:00.0");
    Path dump = Files.writeString(folder.resolve("three.txt"), lacking + old + good);

    String out = Run.of("plan", dump.toString(), "--hw-info", "width=20").out();

    assertThat(out)
        .containsPattern("0000:17:00.0 .*capability; P19 fails\\R")
        .containsPattern("0000:18:00.0 .*capability; P19 fails\\R")
        .containsPattern("0000:19:00.0 .*capability; P19 open\\R");
    assertThat(out.substring(out.indexOf("For some of them:")))
        .containsPattern("P19 fails +End-End TLP prefixes of 0000:17:00.0: .* bit 21 is 0")
        .containsPattern("P19 fails +End-End TLP prefixes of 0000:18:00.0: .* version")
        .containsPattern("P19 open +End-End TLP prefixes of 0000:19:00.0: Name the virtual ports");
    assertThat(out.substring(0, out.indexOf("For some of them:"))).doesNotContain("P19 fails  ");
  }

  @Test
  void functionsOfSeveralFilesStandBelowTheirFiles() throws IOException {
    String dump = Inputs.demo(folder).toString();
    String other = Files.copy(Path.of(dump), folder.resolve("other.txt")).toString();

    for (String[] command :
        new String[][] {
          {"plan", dump, other},
          {"plan", dump, other, "--details"},
          {"inspect", dump, other},
          {"inspect", dump, other, "--all"}
        }) {
      assertThat(Run.of(command).out().lines())
          .filteredOn(line -> line.endsWith("txt:") || line.startsWith("0000:"))
          .extracting(line -> line.endsWith(":") ? line : line.substring(0, 12))
          .containsExactly(
              dump + ":",
              "0000:17:00.0",
              "0000:17:00.1",
              other + ":",
              "0000:17:00.0",
              "0000:17:00.1");
    }
    assertThat(Run.of("plan", dump).out()).doesNotContain("txt");
    JsonNode plans = MAPPER.readTree(Run.of("plan", dump, other, "--json").out());
    assertThat(plans.get(3).get("file").asString()).isEqualTo(other);
    assertThat(plans.get(3).get("line").asInt()).isEqualTo(259);
  }

  @Test
  void aFormatThatIsNotThereIsAnsweredByTheWordsThatAre() {
    String dump = Inputs.demo(folder).toString();

    assertThat(Run.of("plan", dump, "--format", "xml").err())
        .startsWith(
            "vpasid: Invalid value for option '--format': 'xml' is none of text, json, lspci, qemu,"
                + " libvirt, libvirt-commandline; see ");
    assertThat(Run.of("plan", dump, "--format", "qemuu").err()).contains("did you mean qemu?");
    assertThat(Run.of("plan", dump, "--format", "LIBVIRT_COMMANDLINE").code()).isZero();
    assertThat(Run.of("plan", dump, "--form", "x").err())
        .contains("'x' is none of raw, lspci, hex, words, groups, coe");
  }

  /// Options that several commands share speak of no format that only one has.
  @Test
  void helpSpeaksOfNoFormatThatACommandLacks() {
    for (String command : new String[] {"run", "serve", "inspect", "scan"}) {
      assertThat(Run.of(command, "--help").out()).doesNotContain("--format qemu");
    }
  }

  /// A layout is of a function of one host.
  @Test
  void whatNamesFunctionsByTheirAddressRefusesTwoAtOne() throws IOException {
    String dump = Inputs.demo(folder).toString();
    String other = Files.copy(Path.of(dump), folder.resolve("other.txt")).toString();
    Path layout = folder.resolve("layout.json");

    for (String[] command :
        new String[][] {
          {"plan", dump, other, "--format", "qemu"},
          {"plan", dump, other, "--format", "libvirt"},
          {"plan", dump, other, "--save", layout.toString()}
        }) {
      Run run = Run.of(command);
      assertThat(run.code()).isEqualTo(2);
      assertThat(run.out()).isEmpty();
      assertThat(run.err())
          .contains("0000:17:00.0 is in " + dump + ":1 and in " + other + ":1: a host has one");
    }
    assertThat(layout).doesNotExist();
  }

  @Test
  void withoutHardwareInfoTheAssumptionIsNoted() {
    assertThat(Run.of("plan", Inputs.demo(folder).toString()).err())
        .isEqualToIgnoringNewLines("vpasid: note: no --hw-info, so width=20 is assumed");
  }

  @Test
  void notesEndBetweenWordsWhereTheTerminalEnds() {
    String[] plan = {
      "plan", Inputs.demo(folder).toString(), "--hw-info", "width=20", "--format", "qemu"
    };
    String whole = Run.of(plan).err();

    for (int columns : new int[] {80, 120, 200}) {
      // The arguments go elsewhere.
      Run run = Run.on(new Terminal(false, true, false, () -> columns), plan);
      assertThat(run.err().lines()).allMatch(line -> line.length() <= columns);
      assertThat(run.err().replaceAll("\\s+", " ")).isEqualTo(whole.replaceAll("\\s+", " "));
      assertThat(run.out()).isEqualTo(Run.of(plan).out());
    }
    assertThat(whole.lines()).hasSize(6);
  }

  @Test
  void requestedOffsetOnACapabilityIsDeclined() {
    Run run =
        Run.of(
            "plan", Inputs.demo(folder).toString(), "--function", "17:00.1", "--offset", "0x148");

    assertThat(run.code()).isEqualTo(1);
    assertThat(run.out())
        .contains("The requested offset cannot be used: it meets 0x148")
        .contains("the nearest free place is 0x158")
        .doesNotContain("--allow-shadowing");
  }

  /// I3: live bytes are covered only if the user allows that, too.
  @Test
  void requestedOffsetOnLiveBytesNeedsLeave() {
    String dump = Inputs.demo(folder).toString();

    Run refused = Run.of("plan", dump, "--function", "17:00.1", "--offset", "0xff8");
    Run allowed =
        Run.of("plan", dump, "--function", "17:00.1", "--offset", "0xff8", "--allow-shadowing");

    assertThat(refused.code()).isEqualTo(1);
    assertThat(refused.out())
        .contains("it would cover what is at 0xff8")
        .contains("the nearest free place is 0xfe8, the best one is 0xd80 (all-zero hole).")
        .contains("With --allow-shadowing it is put there")
        .doesNotContain("passed over");
    assertThat(allowed.code()).isZero();
    assertThat(allowed.out())
        .contains("at 0xff8,")
        .contains("Shadowing is allowed: the guest can no longer reach what is at 0xff8");
  }

  @Test
  void availableRangesAreUsedFirst() {
    Run run =
        Run.of(
            "plan",
            Inputs.demo(folder).toString(),
            "--function",
            "17:00.1",
            "--available",
            "0xff0-0xfff,0x300-0x3ff");

    assertThat(run.out()).contains("at 0x300").contains("which the user declares available");
  }

  @Test
  void liveBytesOfAnotherCaptureAreAvoided() throws IOException {
    Path demo = Inputs.demo(folder);
    Path other =
        Files.writeString(
            folder.resolve("other.txt"),
            Files.readString(demo)
                .replace("\nd80: 00 00 00 00 00 00 00 00", "\nd80: 00 00 00 00 07 00 00 00"));

    String alone = Run.of("plan", demo.toString(), "--function", "17:00.1").out();
    String compared =
        Run.of("plan", demo.toString(), "--function", "17:00.1", "--also", other.toString()).out();

    assertThat(alone).contains("at 0xd80,");
    assertThat(compared).contains("vPASID       at 0x").doesNotContain("at 0xd80,");
  }

  @Test
  void otherCaptureNamesItsByteWhereAnOffsetIsRequested() throws IOException {
    Path demo = Inputs.demo(folder);
    Path other =
        Files.writeString(
            folder.resolve("other.txt"),
            Files.readString(demo)
                .replace("\nd80: 00 00 00 00 00 00 00 00", "\nd80: 00 00 00 00 07 00 00 00"));

    Run run =
        Run.of(
            "plan",
            demo.toString(),
            "--function",
            "17:00.1",
            "--offset",
            "0xd80",
            "--also",
            other.toString());

    assertThat(run.code()).isEqualTo(1);
    assertThat(run.out())
        .contains("it would cover what is at 0xd84: a byte, not zero in another capture");
  }

  @Test
  void otherCaptureOfAnotherDeviceIsRefused() throws IOException {
    Path demo = Inputs.demo(folder);
    Path other =
        Files.writeString(
            folder.resolve("other.txt"),
            Files.readString(demo).replace("0b40: f00d:0002", "0b40: f00d:0003"));

    Run run = Run.of("plan", demo.toString(), "--function", "17:00.1", "--also", other.toString());

    assertThat(run.code()).isEqualTo(2);
    assertThat(run.err())
        .contains("other.txt: has no function with the ids of one that it is to be compared with");
  }

  @Test
  void otherCaptureWithoutExtendedSpaceIsRefused() throws IOException {
    Path demo = Inputs.demo(folder);
    Path other =
        Files.writeString(
            folder.resolve("other.txt"),
            Files.readString(demo).replaceAll("(?m)^[1-9a-f]..: .*\n", ""));

    Run run = Run.of("plan", demo.toString(), "--also", other.toString());

    assertThat(run.code()).isEqualTo(2);
    assertThat(run.err()).contains("other.txt: shows nothing above 0x100 of f00d:0001");
  }

  @Test
  void quirkFileIsObeyed() throws IOException {
    Path quirks =
        Files.writeString(
            folder.resolve("f00d.json"),
            """
            {"format": 1, "quirks": [
              {"id": "live-middle", "name": "a test",
               "match": {"vendor": "0xf00d", "device": "0x0002"},
               "hidden": [{"offset": "0xd80", "length": 8, "access": "rw",
                           "evidence": "documented", "what": "secret"}],
               "source": "made up"}]}
            """);

    Run run =
        Run.of(
            "plan",
            Inputs.demo(folder).toString(),
            "--function",
            "17:00.1",
            "--quirks",
            quirks.toString());

    assertThat(run.out()).contains("vPASID").doesNotContain("at 0xd80,");
  }
}
