package io.vpasid.guest.daemon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIOException;

import io.vpasid.guest.config.SocketAccess;
import io.vpasid.guest.socket.SocketKind;
import io.vpasid.guest.socket.SocketLoops;
import java.io.IOException;
import java.net.HttpURLConnection;
import java.net.StandardProtocolFamily;
import java.net.URI;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class MetricsTest {
  private final SocketLoops loops = SocketLoops.open(SocketKind.best(), "test", 1);

  @AfterEach
  void close() {
    loops.close();
  }

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
    try (HttpServer server = HttpServer.open(loops, 0, 16, Metrics.served(() -> "a 1\n"))) {
      HttpURLConnection metrics = get(server, "/metrics");
      assertThat(metrics.getResponseCode()).isEqualTo(200);
      assertThat(metrics.getContentType()).isEqualTo("text/plain; version=0.0.4; charset=utf-8");
      assertThat(metrics.getInputStream().readAllBytes()).asString().isEqualTo("a 1\n");
      assertThat(get(server, "/else").getResponseCode()).isEqualTo(404);
    }
  }

  private static HttpURLConnection get(HttpServer server, String path) throws IOException {
    return (HttpURLConnection)
        URI.create("http://127.0.0.1:" + server.port() + path).toURL().openConnection();
  }

  @Test
  void portThatIsTakenIsNamed() throws IOException {
    try (HttpServer server = HttpServer.open(loops, 0, 16, Metrics.served(() -> ""))) {
      assertThatIOException()
          .isThrownBy(() -> HttpServer.open(loops, server.port(), 16, Metrics.served(() -> "")))
          .withMessageContaining("port " + server.port());
    }
  }

  private static String say(SocketChannel channel, String request) throws IOException {
    var _ = channel.write(ByteBuffer.wrap(request.getBytes(StandardCharsets.US_ASCII)));
    return new String(Channels.newInputStream(channel).readAllBytes(), StandardCharsets.ISO_8859_1);
  }

  @ParameterizedTest
  @CsvSource({
    "GET /metrics HTTP/1.1, HTTP/1.1 200 OK",
    "GET /metrics?a=b HTTP/1.0, HTTP/1.1 200 OK",
    "GET /else HTTP/1.1, HTTP/1.1 404 Not Found",
    "POST /metrics HTTP/1.1, HTTP/1.1 405 Method Not Allowed",
    "GET /metrics, HTTP/1.1 400 Bad Request",
    "'', HTTP/1.1 400 Bad Request",
  })
  void aRequestOnTheUnixSocketIsAnswered(String line, String status, @TempDir Path folder)
      throws IOException {
    Path path = folder.resolve("metrics");
    try (HttpServer _ =
            HttpServer.open(loops, path, SocketAccess.DEFAULT, 16, Metrics.served(() -> "a 1\n"));
        SocketChannel channel = SocketChannel.open(UnixDomainSocketAddress.of(path))) {
      assertThat(say(channel, line + "\r\nHost: x\r\n\r\n")).startsWith(status + "\r\n");
    }
  }

  @Test
  void aRequestThatDoesNotEndIsEnded(@TempDir Path folder) throws IOException {
    Path path = folder.resolve("metrics");
    try (HttpServer _ =
            HttpServer.open(loops, path, SocketAccess.DEFAULT, 16, Metrics.served(() -> "a 1\n"));
        SocketChannel channel = SocketChannel.open(UnixDomainSocketAddress.of(path))) {
      assertThat(say(channel, "GET /metrics HTTP/1.1\r\nX: " + "x".repeat(8192)))
          .startsWith("HTTP/1.1 431 ");
    }
  }

  @Test
  void theOldestConnectionMakesRoomForTheNewest(@TempDir Path folder) throws IOException {
    Path path = folder.resolve("metrics");
    List<SocketChannel> silent = new ArrayList<>();
    try (HttpServer _ =
        HttpServer.open(loops, path, SocketAccess.DEFAULT, 16, Metrics.served(() -> "a 1\n"))) {
      for (int i = 0; i < 17; i++) {
        SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX);
        channel.connect(UnixDomainSocketAddress.of(path));
        silent.add(channel);
      }
      assertThat(silent.getFirst().read(ByteBuffer.allocate(1))).as("the oldest").isEqualTo(-1);
      assertThat(say(silent.getLast(), "GET /metrics HTTP/1.1\r\n\r\n")).contains("\r\n\r\na 1\n");
    } finally {
      for (SocketChannel channel : silent) {
        channel.close();
      }
    }
  }
}
