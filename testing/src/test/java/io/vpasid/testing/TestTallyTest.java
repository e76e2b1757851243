package io.vpasid.testing;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TestTallyTest {
  private static final Instant BEGIN = Instant.parse("2026-01-02T03:04:05Z");

  @TempDir private Path modules;

  private void report(String module, String testClass, Instant written, String text)
      throws IOException {
    Path folder = Files.createDirectories(modules.resolve(module + "/target/surefire-reports"));
    Path file = Files.writeString(folder.resolve("TEST-" + testClass + ".xml"), text);
    Files.setLastModifiedTime(file, FileTime.from(written));
  }

  private static String suite(int tests, int failures, int errors, String... reasons) {
    StringBuilder text = new StringBuilder();
    text.append(
        "<testsuite tests=\"%d\" failures=\"%d\" errors=\"%d\" skipped=\"%d\">"
            .formatted(tests, failures, errors, reasons.length));
    for (String reason : reasons) {
      text.append("<testcase><skipped message=\"").append(reason).append("\"/></testcase>");
    }
    return text.append("</testsuite>").toString();
  }

  @Test
  void modulesAreAddedUpAndReasonsCounted() throws IOException {
    report("a", "One", BEGIN, suite(5, 1, 0, "needs lspci"));
    report("a", "Two", BEGIN.plusSeconds(9), suite(1, 0, 0, "needs root"));
    report("b", "Three", BEGIN, suite(1200, 0, 2, "needs lspci", "Assumption failed: odd"));

    TestTally tally = TestTally.of(modules, BEGIN);

    assertThat(tally)
        .isEqualTo(new TestTally(1202, 3, Map.of("needs lspci", 2, "needs root", 1, "odd", 1)));
    assertThat(tally)
        .hasToString(
            "1,202 run, 3 failed, 4 skipped (2 needs lspci; 1 for a reason of its own; 1 needs root)");
  }

  @Test
  void reportsOfAnEarlierBuildDoNotCount() throws IOException {
    report("a", "Gone", BEGIN.minusSeconds(1), suite(7, 7, 0));
    report("a", "One", BEGIN, suite(2, 0, 0));

    assertThat(TestTally.of(modules, BEGIN)).hasToString("2 run, 0 failed, 0 skipped");
  }

  /// As Surefire reports an assumption that does not hold.
  @Test
  void reasonOfATestThatEndedItselfIsCounted() throws IOException {
    report(
        "a",
        "One",
        BEGIN,
        """
        <testsuite tests="1" failures="0" errors="0" skipped="1"><testcase>
        <skipped type="org.opentest4j.TestAbortedException"><![CDATA[org.opentest4j.TestAbortedException: needs xxd
        \tat org.junit.jupiter.api.Assumptions.abort(Assumptions.java:288)
        ]]></skipped></testcase></testsuite>
        """);

    assertThat(TestTally.of(modules, BEGIN))
        .hasToString("0 run, 0 failed, 1 skipped (1 needs xxd)");
  }

  @Test
  void skippedTestWithoutAReasonIsCountedToo() throws IOException {
    report("a", "One", BEGIN, suite(2, 0, 0, ""));

    assertThat(TestTally.of(modules, BEGIN))
        .hasToString("1 run, 0 failed, 1 skipped (1 for a reason of its own)");
  }

  @Test
  void buildWithoutTestsHasNone() throws IOException {
    assertThat(TestTally.of(modules, BEGIN)).isEqualTo(new TestTally(0, 0, Map.of()));
  }
}
