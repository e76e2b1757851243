package io.vpasid.guest.html;

import static org.assertj.core.api.Assertions.assertThat;

import io.vpasid.guest.cli.Run;
import io.vpasid.testing.Need;
import io.vpasid.testing.Needs;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// The page of `run --html` as a browser shows it.
@Needs({Need.CHROMIUM, Need.AXE_CORE})
class ScenariosInBrowserTest {
  @TempDir private Path folder;

  @Test
  void failureIsFoundOpenedAndReadable() throws IOException {
    Path bad =
        Files.writeString(
            folder.resolve("bad.json"),
            """
            { "format": 1, "title": "nothing is attached, and one must be",
              "function": "%s",
              "steps": [ { "enable": {} }, { "check": { "count": 1 } } ] }
            """
                .formatted(Path.of("../scenarios/functions/accelerator.txt").toAbsolutePath()));
    Path page = folder.resolve("results.html");
    Run.of("run", "../scenarios", bad.toString(), "--html", page.toString(), "--seed", "1");

    try (Browser browser = Browser.open()) {
      browser.go(page.toUri());
      browser.click(".tools option[value=failed]");
      assertThat(browser.texts("table.sortable tbody th")).containsExactly("bad");
      browser.picture("scenarios.png");

      browser.click("table.sortable tbody a");
      assertThat(browser.texts("#failure-1 pre").getFirst()).contains("enable");
      assertThat(browser.accessibilityProblems()).isEmpty();
      browser.look("screen", "dark");
      assertThat(browser.accessibilityProblems()).isEmpty();
      browser.picture("scenarios-dark.png");
      assertThat(browser.console()).isEmpty();
    }
  }
}
