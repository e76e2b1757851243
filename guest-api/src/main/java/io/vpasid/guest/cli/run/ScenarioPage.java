package io.vpasid.guest.cli.run;

import io.vpasid.guest.html.DataTable;
import io.vpasid.guest.html.FilterBar;
import io.vpasid.guest.html.Html;
import io.vpasid.guest.html.HtmlPage;
import io.vpasid.guest.scenario.Scenario;
import io.vpasid.guest.scenario.ScenarioFiles;
import io.vpasid.guest.scenario.ScenarioResult;
import io.vpasid.guest.scenario.ScenarioResult.Verdict;
import java.io.IOException;
import java.io.Writer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/// The results of a batch as a page for a browser: a row for each scenario, however often it ran,
/// and each failure with the steps that led to it.
final class ScenarioPage implements BatchReport {
  /// Most failures that are told in full.
  private static final int MOST = 500;

  private final List<ScenarioFiles.Broken> broken;
  private final ScenarioBatch batch;
  private final Map<Scenario, Sum> sums = new LinkedHashMap<>();
  private final List<ScenarioResult> failures = new ArrayList<>();
  private long failed;

  /// The results of the runs of one scenario.
  private static final class Sum {
    private int passed;
    private int failed;
    private int skipped;
    private long steps;
    private Duration took = Duration.ZERO;
    private String reason = "";

    private void add(ScenarioResult result) {
      steps += result.steps();
      took = took.plus(result.took());
      switch (result.verdict()) {
        case Verdict.Passed _ -> passed++;
        case Verdict.Failed _ -> failed++;
        case Verdict.Skipped s -> {
          skipped++;
          reason = s.reason();
        }
      }
    }

    private int runs() {
      return passed + failed + skipped;
    }
  }

  /// No results yet.
  ///
  /// @param broken files that cannot be used
  /// @param batch what is to run
  ScenarioPage(List<ScenarioFiles.Broken> broken, ScenarioBatch batch) {
    this.broken = List.copyOf(broken);
    this.batch = batch;
    batch.scenarios().forEach(scenario -> sums.put(scenario, new Sum()));
  }

  @Override
  public synchronized void add(ScenarioResult result) {
    sums.computeIfAbsent(result.scenario(), _ -> new Sum()).add(result);
    if (result.verdict() instanceof Verdict.Failed) {
      failed++;
      if (failures.size() < MOST) {
        failures.add(result);
      }
    }
  }

  @Override
  public synchronized void write(Writer to, Optional<String> problem) throws IOException {
    List<String> main = new ArrayList<>();
    main.add(summary(problem));
    main.add(overview());
    if (!failures.isEmpty()) {
      main.add("<h2>Failures</h2>\n");
    }
    for (int i = 0; i < failures.size(); i++) {
      main.add(failure(i));
    }
    if (failed > failures.size()) {
      main.add(
          new Html()
              .element(
                  "p", "And " + (failed - failures.size()) + " more; --junit-xml has them all.")
              .toString());
    }
    HtmlPage.ofFile("vpasid scenarios", "").write(to, main);
  }

  private String summary(Optional<String> problem) {
    Html html = new Html();
    problem.ifPresent(why -> html.element("p", why, "class", "state bad"));
    html.element(
        "p", "First seed %d; a run with the same seed does the same.".formatted(batch.seed()));
    long passed = sums.values().stream().mapToLong(sum -> sum.passed).sum();
    long skipped = sums.values().stream().mapToLong(sum -> sum.skipped).sum();
    html.open("ul", "class", "counts");
    count(html, batch.runs(), batch.runs() == 1 ? "run" : "runs");
    count(html, passed, "passed");
    count(html, failed, "failed");
    count(html, skipped, "skipped");
    count(html, batch.runs() - passed - failed - skipped, "not run");
    count(html, broken.size(), broken.size() == 1 ? "bad file" : "bad files");
    html.close();
    if (!broken.isEmpty()) {
      html.element("h2", "Files that are wrong").open("ul", "class", "plain");
      broken.forEach(b -> html.element("li", b.message()));
      html.close();
    }
    html.drawing(
        FilterBar.draw(
            "failed", "failed", "passed", "passed", "skipped", "skipped", "missing", "not run"));
    return html.toString();
  }

  private static void count(Html html, long number, String what) {
    html.open("li").element("b", Long.toString(number)).text(what).close();
  }

  private String overview() {
    DataTable table =
        DataTable.sortable(
            "Scenarios", "Scenario", "About", "Result", "Runs", "Steps", "Milliseconds", "File");
    sums.forEach((scenario, sum) -> {
      String kind =
          sum.failed > 0
              ? "failed"
              : sum.skipped > 0 ? "skipped" : sum.passed > 0 ? "passed" : "missing";
      table.row("data-kinds", kind);
      firstFailure(scenario)
          .ifPresentOrElse(
              id -> table.heading(scenario.name(), id), () -> table.heading(scenario.name()));
      table.cell(scenario.title());
      switch (kind) {
        case "failed" -> table.state(sum.failed + " failed", "bad");
        case "skipped" -> table.state("skipped: " + sum.reason, "open");
        case "passed" -> table.state("passed", "good");
        default -> table.state("not run", "none");
      }
      table
          .number(sum.runs())
          .number(sum.steps)
          .number(String.format(Locale.ROOT, "%.3f", sum.took.toNanos() / 1e6))
          .cell(scenario.file().toString());
    });
    return table.draw();
  }

  private Optional<String> firstFailure(Scenario scenario) {
    for (int i = 0; i < failures.size(); i++) {
      if (failures.get(i).scenario() == scenario) {
        return Optional.of(idOf(i));
      }
    }
    return Optional.empty();
  }

  private static String idOf(int failure) {
    return "failure-" + (failure + 1);
  }

  private String failure(int index) {
    ScenarioResult result = failures.get(index);
    Verdict.Failed failure = (Verdict.Failed) result.verdict();
    Html html = new Html();
    html.open("details", "class", "part", "id", idOf(index))
        .open("summary")
        .element("h2", result.scenario().name())
        .element("span", "seed " + result.seed(), "class", "state bad")
        .close()
        .open("div")
        .open("dl")
        .element("dt", "at")
        .element("dd", failure.place())
        .element("dt", "what")
        .element("dd", failure.message())
        .element("dt", "run it again")
        .element(
            "dd",
            "vpasid run %s --filter '%s' --seed %d"
                .formatted(result.scenario().file(), result.scenario().name(), result.seed()),
            "class",
            "code")
        .close()
        .element("h3", "Steps up to it")
        .element("pre", String.join("\n", failure.trace()), "tabindex", "0");
    return html.close().close().toString();
  }
}
