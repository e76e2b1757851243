package io.vpasid.guest.cli.manual;

import static org.assertj.core.api.Assertions.assertThat;

import io.vpasid.guest.cli.VpasidCommand;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;

class ManualTest {
  private static final Map<String, String> FILES = Manual.files(VpasidCommand.all());

  private static final CommandSpec AWKWARD =
      CommandSpec.create()
          .name("tool")
          .addOption(
              OptionSpec.builder("--each")
                  .type(List.class)
                  .auxiliaryTypes(Thread.State.class)
                  .description("It's [optional]. More.")
                  .build());

  static {
    AWKWARD
        .usageMessage()
        .header("Isn't \\ plain.")
        .description(".so begins this%nand 'this' is 100%% quoted.");
  }

  @Test
  void everyCommandHasAPage() {
    assertThat(FILES)
        .containsKeys(
            "man/vpasid.1", "man/vpasid-plan.1", "man/vpasid-ctl.1", "man/vpasid-quirks-lint.1");
    assertThat(FILES.get("man/vpasid.1")).contains("\\fBvpasid\\-serve\\fR(1)");
  }

  @Test
  void aPageHasTheOptionsOfItsCommand() {
    assertThat(FILES.get("man/vpasid-plan.1"))
        .contains(".TP\n\\fB\\-\\-hw\\-info=INFO\\fR\nWhat IOMMU_GET_HW_INFO reports")
        .contains(".TP\n\\fB\\-h, \\-\\-help\\fR\n");
  }

  @Test
  void noPageKeepsMarkupOfTheHelp() {
    FILES.forEach((name, text) ->
        assertThat(text)
            .as(name)
            .doesNotContain("%n")
            .doesNotContain("@|")
            .doesNotContain("${DEFAULT"));
  }

  @Test
  void roffTakesNoWordOfTheTextForARequest() {
    String page = ManPage.of(AWKWARD, "1");
    assertThat(page)
        .contains("tool \\- Isn't \\e plain\n")
        .contains("\n\\&.so begins this\n")
        .contains("and 'this' is 100% quoted.");
  }

  @Test
  void zshOffersCommandsOptionsAndValues() {
    assertThat(FILES.get("completion/_vpasid"))
        .startsWith("#compdef vpasid\n")
        .contains("    'plan:Says whether, where and why there a function gets a vPASID'\n")
        .contains("        quirks) _vpasid_quirks ;;\n")
        .contains("'*--quirks=[");
    assertThat(Completions.zsh(AWKWARD))
        .contains("'*--each=[It'\\''s \\[optional\\]]:PARAM:(NEW RUNNABLE ");
  }

  @Test
  void fishOffersCommandsOptionsAndValues() {
    assertThat(FILES.get("completion/vpasid.fish"))
        .contains("-f -a lint -d ")
        .contains("-n '__fish_seen_subcommand_from plan' -l hw-info -r -F -d ")
        .contains("-n '__fish_seen_subcommand_from quirks; and __fish_seen_subcommand_from lint' ");
    assertThat(Completions.fish(AWKWARD))
        .contains("-l each -x -a 'NEW RUNNABLE ")
        .contains(" -d 'It'\\''s [optional]'\n");
  }
}
