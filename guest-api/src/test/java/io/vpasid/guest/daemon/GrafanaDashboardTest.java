package io.vpasid.guest.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import io.vpasid.guest.config.DaemonConfig;
import io.vpasid.guest.config.LogStyle;
import io.vpasid.guest.control.ControlClient;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// The dashboard that the packages bring, held against the metrics of a daemon.
class GrafanaDashboardTest {
  private static final Pattern METRIC = Pattern.compile("\\b(?:vpasid|process)_[a-z_]+");

  @TempDir private Path folder;
  private final JsonNode dashboard =
      new JsonMapper().readTree(Path.of("../packaging/grafana.json").toFile());
  private String metrics;

  @BeforeEach
  void readMetrics() throws IOException {
    try (DaemonLog log = DaemonLog.to(OutputStream.nullOutputStream(), LogStyle.DEFAULT, false);
        Daemon daemon =
            Daemon.start(
                DaemonConfig.read(DaemonFiles.write(folder, "")),
                "0.1.0",
                log,
                new CountDownLatch(1));
        ControlClient client =
            ControlClient.connect(folder.resolve("control.sock"), Duration.ofSeconds(20))) {
      // A command is counted when it is done.
      var _ = CtlLine.call(client, "query-version");
      metrics = daemon.metrics().text();
    }
  }

  /// Name and type of each family.
  private Map<String, String> families() {
    return Pattern.compile("# TYPE (\\S+) (\\S+)")
        .matcher(metrics)
        .results()
        .collect(Collectors.toMap(family -> family.group(1), family -> family.group(2)));
  }

  private List<String> expressions() {
    return dashboard.findValues("expr").stream().map(JsonNode::stringValue).toList();
  }

  @Test
  void everyMetricInItIsThere() {
    Stream<String> queries =
        Stream.concat(
            expressions().stream(),
            dashboard
                .at("/templating/list")
                .valueStream()
                .map(v -> v.path("definition").asString("")));

    assertThat(queries.flatMap(q -> METRIC.matcher(q).results()).map(MatchResult::group))
        .hasSizeGreaterThan(15)
        .isSubsetOf(families().keySet());
  }

  @Test
  void everyMetricIsInIt() {
    String all = String.join("\n", expressions());

    assertThat(families().keySet()).allSatisfy(name -> assertThat(all).contains(name));
  }

  @Test
  void whatOnlyGoesUpIsShownAsARate() {
    for (String expression : expressions()) {
      Matcher metric = METRIC.matcher(expression);
      while (metric.find()) {
        assertThat(expression.substring(0, metric.start()).matches(".*(rate|increase)\\($"))
            .as(expression)
            .isEqualTo("counter".equals(families().get(metric.group())));
      }
    }
  }

  @Test
  void everyLabelInItIsThere() {
    Stream<String> labels =
        Stream.concat(
            Pattern.compile("\\{\\{(\\w+)}}")
                .matcher(dashboard.toString())
                .results()
                .map(found -> found.group(1)),
            Pattern.compile("by \\((\\w+)\\)")
                .matcher(String.join("\n", expressions()))
                .results()
                .map(found -> found.group(1)));
    Set<String> there =
        Pattern.compile("(\\w+)=\"")
            .matcher(metrics)
            .results()
            .map(found -> found.group(1))
            .collect(Collectors.toSet());

    // Prometheus itself says which daemon it is.
    assertThat(labels.filter(label -> !label.equals("instance"))).isNotEmpty().isSubsetOf(there);
  }
}
