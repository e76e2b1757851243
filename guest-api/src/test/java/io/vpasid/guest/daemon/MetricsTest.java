package io.vpasid.guest.daemon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIOException;

import java.io.IOException;
import java.net.HttpURLConnection;
import java.net.URI;
import org.junit.jupiter.api.Test;

class MetricsTest {

  @Test
  void familyHasItsHelpAndTypeOnce() {
    Metrics metrics =
        new Metrics()
            .gauge("a", "Things.", 1, "function", "x")
            .counter("b_total", "More.", 2)
            .gauge("a", "Things.", 1.5, "function", "q\"\\\n");

    assertThat(metrics.toString())
        .isEqualTo(
            """
            # HELP a Things.
            # TYPE a gauge
            a{function="x"} 1
            a{function="q\\"\\\\\\n"} 1.500
            # HELP b_total More.
            # TYPE b_total counter
            b_total 2
            """);
  }

  @Test
  void serverAnswersPrometheusAndNothingElse() throws IOException {
    try (MetricsServer server = MetricsServer.open(0, () -> "a 1\n")) {
      HttpURLConnection metrics = get(server, "/metrics");
      assertThat(metrics.getResponseCode()).isEqualTo(200);
      assertThat(metrics.getContentType()).isEqualTo("text/plain; version=0.0.4; charset=utf-8");
      assertThat(metrics.getInputStream().readAllBytes()).asString().isEqualTo("a 1\n");
      assertThat(get(server, "/else").getResponseCode()).isEqualTo(404);
    }
  }

  private static HttpURLConnection get(MetricsServer server, String path) throws IOException {
    return (HttpURLConnection)
        URI.create("http://127.0.0.1:" + server.port() + path).toURL().openConnection();
  }

  @Test
  void portThatIsTakenIsNamed() throws IOException {
    try (MetricsServer server = MetricsServer.open(0, () -> "")) {
      assertThatIOException()
          .isThrownBy(() -> MetricsServer.open(server.port(), () -> ""))
          .withMessageContaining("port " + server.port());
    }
  }
}
