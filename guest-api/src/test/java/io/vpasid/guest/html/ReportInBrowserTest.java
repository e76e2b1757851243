package io.vpasid.guest.html;

import static org.assertj.core.api.Assertions.assertThat;

import io.vpasid.guest.cli.Run;
import io.vpasid.testing.Need;
import io.vpasid.testing.Needs;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// The page of `report` as a browser shows it.
@Needs(Need.CHROMIUM)
class ReportInBrowserTest {
  private static final String SCENARIO_FUNCTIONS = "../scenarios/functions";
  private static final String ADDRESSES = "table.sortable tbody th";
  private static final String PLACES = "table.sortable tbody td:nth-child(4)";

  @TempDir private static Path folder;

  private static Browser browser;
  private static Path page;

  @BeforeAll
  static void write() throws IOException {
    List<String> lines = Files.readAllLines(Path.of(SCENARIO_FUNCTIONS, "accelerator.txt"));
    Path legacy = Files.write(folder.resolve("legacy.txt"), lines.subList(0, 17));
    page = folder.resolve("report.html");
    Run run = Run.of("report", SCENARIO_FUNCTIONS, legacy.toString(), "-o", page.toString());
    assertThat(run.code()).as(run.err()).isZero();
    browser = Browser.open();
  }

  @AfterAll
  static void end() {
    browser.close();
  }

  @BeforeEach
  void load() {
    browser.resize(1280, 1000);
    browser.look("screen", "light");
    browser.go(page.toUri());
  }

  @AfterEach
  void nothingOnTheConsole() {
    assertThat(browser.console()).isEmpty();
  }

  @Test
  void headingSortsByValueThenTheOtherWay() {
    browser.click("thead th:nth-child(4) button");
    assertThat(browser.texts(PLACES))
        .containsExactly("0x108", "0x160", "0x1a0", "0xd80", "0xd80", "none");
    assertThat(
            browser
                .run("return document.querySelector('[aria-sort=ascending]').innerText")
                .stringValue())
        .startsWith("vPASID");

    browser.click("thead th:nth-child(4) button");
    assertThat(browser.texts(PLACES))
        .containsExactly("0xd80", "0xd80", "0x1a0", "0x160", "0x108", "none");
  }

  @Test
  void filterLeavesRowsAndPartsWithAllWords() {
    browser.type(".tools input", "6a:00 OWN");

    assertThat(browser.texts(ADDRESSES))
        .containsExactly("0000:6a:00.0", "0000:6a:00.0", "0000:6a:00.0");
    assertThat(browser.texts(".tools output")).containsExactly("3 of 6 rows");
    assertThat(browser.texts("details.part h2")).hasSize(3);
  }

  @Test
  void kindLeavesThoseThatQemuWouldHit() {
    browser.click(".tools option[value=hits]");

    assertThat(browser.texts(ADDRESSES)).contains("0000:6b:00.0");
    assertThat(browser.texts("table.sortable tbody td:nth-child(7)"))
        .allSatisfy(text -> assertThat(text).startsWith("hits "));
  }

  @Test
  void addressOpensItsPart() {
    browser.click("a[href='#f2']");

    assertThat(browser.texts("#f2 h3")).contains("Placement", "Map", "Linux guest");
    assertThat(browser.run("return document.activeElement.closest('details').id").stringValue())
        .isEqualTo("f2");
    assertThat(browser.run("return document.querySelectorAll('details[open]').length").intValue())
        .isEqualTo(1);
  }

  @Test
  void docsShowThePage() {
    browser.resize(1200, 1500);
    browser.click("a[href='#f3']");
    browser.run("scrollTo(0, 0); document.activeElement.blur()");
    browser.picture("docs-report.png");

    assertThat(browser.texts("#f3 h3")).startsWith("Placement", "Map");
  }

  @Test
  void keyboardAloneSortsAndOpens() {
    browser.type("thead th:nth-child(1) button", "\ue007"); // Enter
    assertThat(browser.texts(ADDRESSES)).isSorted().hasSize(6);

    browser.type("#f1 summary", " ");
    assertThat(browser.texts("#f1 h3")).contains("Map");
  }

  @Test
  void markupThatGotInWouldNotRun() {
    browser.run(
        """
        const script = document.createElement('script');
        script.textContent = 'window.ran = true';
        document.body.append(script);
        document.body.insertAdjacentHTML('beforeend', '<i onclick="window.ran = true" id="got-in">x</i>');
        document.getElementById('got-in').click();
        """);

    assertThat(browser.run("return window.ran === undefined").booleanValue()).isTrue();
    assertThat(browser.console())
        .hasSizeGreaterThanOrEqualTo(2)
        .allMatch(l -> l.contains("Content Security Policy"));
  }

  @ParameterizedTest
  @CsvSource({"light, 1280", "dark, 1280", "light, 390", "dark, 390"})
  @Needs({Need.CHROMIUM, Need.AXE_CORE})
  void accessibilityCheckerFindsNothing(String scheme, int width) {
    browser.look("screen", scheme);
    browser.resize(width, 1000);
    browser.picture("report-%s-%d.png".formatted(scheme, width));
    browser.click("a[href='#f3']");

    assertThat(browser.accessibilityProblems()).isEmpty();
    browser.run("document.getElementById('f3').scrollIntoView()");
    browser.picture("report-open-%s-%d.png".formatted(scheme, width));
  }

  @Test
  void narrowPageScrollsDownOnly() {
    browser.resize(390, 800);
    browser.click(".tools button");

    assertThat(browser.run("return document.documentElement.scrollWidth").intValue())
        .isLessThanOrEqualTo(390);
  }

  @Test
  void paperIsLightAndHasWhatIsOpen() {
    browser.click("a[href='#f2']");
    browser.look("print", "dark");

    assertThat(browser.run("return getComputedStyle(document.body).backgroundColor").stringValue())
        .isEqualTo("rgb(255, 255, 255)");
    assertThat(browser.texts(".tools")).isEmpty();
    assertThat(browser.print()).startsWith('%', 'P', 'D', 'F');
  }

  @Test
  void thousandFunctionsAreSortedAndFilteredWithoutDelay() throws IOException {
    Path many = Files.createDirectory(folder.resolve("many"));
    String dump = Files.readString(Path.of(SCENARIO_FUNCTIONS, "accelerator.txt"));
    for (int i = 0; i < 1000; i++) {
      Files.writeString(
          many.resolve("%04d.txt".formatted(i)),
          dump.replaceFirst("0000:6a:00.0", "%04x:6a:00.0".formatted(i)));
    }
    Path large = folder.resolve("large.html");
    Run run = Run.of("report", many.toString(), "-o", large.toString());
    assertThat(run.code()).as(run.err()).isZero();
    assertThat(Files.size(large)).isLessThan(30 << 20);

    browser.go(large.toUri());
    long millis =
        browser
            .run(
                """
                const start = performance.now();
                document.querySelector('thead th:nth-child(1) button').click();
                const words = document.querySelector('.tools input');
                words.value = '03e7:6a';
                words.dispatchEvent(new Event('input'));
                document.body.getBoundingClientRect();
                return Math.round(performance.now() - start);
                """)
            .longValue();

    assertThat(browser.texts(".tools output")).isEqualTo(List.of("1 of 1000 rows"));
    assertThat(millis).as("milliseconds, which a person hardly notices").isLessThan(2000);
  }
}
