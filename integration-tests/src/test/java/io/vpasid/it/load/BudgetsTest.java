package io.vpasid.it.load;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

class BudgetsTest {
  private static final String NOTES =
      """
      ### Start

      Most of it is the JVM.

      What would help: a JDK
      that starts faster.

      ### Scan

      Files are read.
      """;

  private static Spread of(double value) {
    return Spread.of(List.of(value));
  }

  @Test
  void missedBudgetIsToldWithItsProfileAndWhatWouldHelp() {
    Budgets budgets = new Budgets().about("Start");
    budgets.atMost("a start", of(5), " ms", 4);
    budgets.atMost("another", of(3), " ms", 4);
    budgets.about("Scan").atLeast("a scan", of(5), "", 9);
    budgets.about("Unknown").atMost("a riddle", of(5), "", 1);

    assertThat(budgets.missed(NOTES).lines())
        .contains(
            "- a start: [Start](#start). What would help: a JDK that starts faster.",
            "- a scan: [Scan](#scan)",
            "- a riddle: not known yet")
        .noneMatch(line -> line.contains("another"));
  }

  @Test
  void whatIsMeasuredHasItsProfileAmongTheNotes() throws IOException {
    String notes = Files.readString(Path.of("performance-notes.md"));
    String source =
        Files.readString(Path.of("src/test/java/io/vpasid/it/load/PerformanceReport.java"));

    assertThat(Pattern.compile("about\\(\"([^\"]+)\"\\)").matcher(source).results())
        .hasSizeGreaterThan(5)
        .allMatch(subject -> notes.contains("\n### " + subject.group(1) + "\n"));
  }
}
