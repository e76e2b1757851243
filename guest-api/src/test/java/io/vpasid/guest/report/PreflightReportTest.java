package io.vpasid.guest.report;

import static org.assertj.core.api.Assertions.assertThat;

import io.vpasid.guest.cli.Inputs;
import io.vpasid.guest.cli.Run;
import io.vpasid.testing.Captures;
import io.vpasid.testing.Need;
import io.vpasid.testing.Needs;
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
        .contains("may enable PASIDs: of its checks 8 are open, 12 pass")
        .contains("P2 open      Scalable mode switched on: Start it with intel_iommu=on,sm_on.")
        .doesNotContain("P19 ")
        .doesNotContain("fails");
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

    assertThat(run.out()).contains("enables PASIDs: of its checks 20 pass").contains("P24 fails");
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
