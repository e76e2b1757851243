package io.vpasid.guest.report;

import static org.assertj.core.api.Assertions.assertThat;

import io.vpasid.guest.cli.Inputs;
import io.vpasid.guest.cli.Run;
import io.vpasid.testing.Captures;
import io.vpasid.testing.Need;
import io.vpasid.testing.Needs;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class PreflightReportTest {
  /// An IOMMU with 48 bits, scalable mode, PASIDs of 20 bits and device TLBs.
  private static final String IOMMU = "cap=400,ecap=c99820000004";

  @TempDir private Path folder;

  private static String dsa() {
    return Captures.file("pciutils-pri-pasid.txt").toString();
  }

  @Needs(Need.CAPTURES)
  @Test
  void onlyWhatFailsOrIsOpenIsPrinted() {
    Run run = Run.of("plan", dsa(), "--hw-info", "width=20,priv");

    assertThat(run.code()).isZero();
    assertThat(run.out())
        .contains("may enable PASIDs: of its 22 checks 8 are open, 12 pass, 2 do not apply")
        .contains("P2 open      Scalable mode switched on: Start it with intel_iommu=on,sm_on.")
        .doesNotContain("P19 ")
        .doesNotContain("fails");
  }

  /// The made-up function has open checks whatever else fails.
  @Test
  void whatFailsDoesNotHideHowTheOpenOnesAreClosed() throws IOException {
    Path dump = Inputs.demo(folder);
    String text = Files.readString(dump).replaceAll("(?m)^(60: (?:.. ){6})..", "$100");
    Path failing = Files.writeString(folder.resolve("p19.txt"), text);

    for (String[] plan :
        new String[][] {
          {"plan", failing.toString(), "--function", "17:00.1"},
          {"plan", failing.toString()},
          {"plan", dump.toString()}
        }) {
      assertThat(Run.of(plan).out())
          .contains("--port, --viommu and --assume tell plan of the guest");
    }
  }

  /// As many as are printed.
  @Test
  void countsAreThoseOfTheListBelow() {
    String out = Run.of("plan", Inputs.demo(folder).toString(), "--function", "17:00.0").out();
    String first = out.substring(out.indexOf("Linux guest"), out.indexOf("  besides"));
    String further = out.substring(out.indexOf("  besides"));

    assertThat(first).contains("of its 22 checks 9 are open, 11 pass, 2 do not apply");
    assertThat(first.lines().filter(line -> line.matches("  P\\d+ open .*"))).hasSize(9);
    assertThat(further).contains("which PASIDs do without, 3 are open");
    assertThat(further.lines().filter(line -> line.matches("  P\\d+ open .*"))).hasSize(3);
  }

  @Needs(Need.CAPTURES)
  @Test
  void preflightPrintsAllWithTheirRegisters() {
    Run run = Run.of("plan", dsa(), "--hw-info", "width=20,priv", "--preflight");

    assertThat(run.out())
        .contains("P17 n/a ")
        .contains("P19 passes   End-End TLP prefixes")
        .contains("0x064 = 10730810 (Device Capabilities 2)");
  }

  @Needs(Need.CAPTURES)
  @Test
  void whatIsKnownOfTheGuestClosesChecks() {
    Run run =
        Run.of(
            "plan",
            dsa(),
            "--hw-info",
            "width=20,priv",
            "--port",
            "none",
            "--viommu",
            IOMMU,
            "--assume",
            "P1,p2,P5,P13");

    assertThat(run.out())
        .contains("enables PASIDs: of its 22 checks 20 pass, 2 do not apply")
        .contains("P24 fails");
    assertThat(run.code()).isZero();
  }

  @Needs(Need.CAPTURES)
  @Test
  void jsonHasEveryCheckWithItsRule() {
    JsonNode plan =
        new JsonMapper()
            .readTree(Run.of("plan", dsa(), "--hw-info", "width=20,priv", "--json").out())
            .get(0)
            .get("preflight");

    assertThat(plan.get("answer").asString()).isEqualTo("unknown");
    assertThat(plan.get("checks").size()).isEqualTo(25);
    assertThat(plan.get("checks").get(18).get("id").asString()).isEqualTo("P19");
    assertThat(plan.get("checks").get(18).get("evidence").get(1).get("offset").asString())
        .isEqualTo("0x064");
  }

  @Test
  void functionWithoutAVpasidShowsNoChecksUnlessAsked() {
    String dump = Inputs.demo(folder).toString();

    assertThat(Run.of("plan", dump, "--hw-info", "none").out()).doesNotContain("Linux guest");
    assertThat(Run.of("plan", dump, "--hw-info", "none", "--preflight").out())
        .contains("does not enable PASIDs");
  }

  @ParameterizedTest
  @CsvSource({
    "--port, none --port none, leave out the others",
    "--port, missing.txt, there is no such file",
    "--viommu, q, 'write cap=HEX,ecap=HEX'",
    "--assume, P26, write P1 to P25"
  })
  void badOptionsAreOneLineAndExitCode2(String option, String value, String says) {
    String line = "plan " + Inputs.demo(folder) + " --hw-info none " + option + " " + value;

    Run run = Run.of(line.split(" ", -1));

    assertThat(run.code()).isEqualTo(2);
    assertThat(run.err().lines()).hasSize(1);
    assertThat(run.err()).contains(says);
  }

  @Needs(Need.CAPTURES)
  @Test
  void functionThatIsNoBridgeIsNoPort() {
    Run run = Run.of("plan", dsa(), "--hw-info", "none", "--port", dsa());

    assertThat(run.code()).isEqualTo(2);
    assertThat(run.err()).contains("8086:0b25 is no bridge");
  }
}
