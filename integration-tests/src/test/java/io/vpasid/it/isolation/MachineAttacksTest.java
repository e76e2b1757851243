package io.vpasid.it.isolation;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Any user of the machine can reach the metrics, where they are on a port.
class MachineAttacksTest {
  private static final int[] OTHERS = {1, 2, 3};

  private static int port(DaemonProcess daemon) {
    Matcher found = Pattern.compile("127\\.0\\.0\\.1:(\\d+)").matcher(daemon.announcement());
    assertThat(found.find()).as(daemon.announcement()).isTrue();
    return Integer.parseInt(found.group(1));
  }

  private static Socket connected(int port) throws IOException {
    Socket socket = new Socket();
    socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 5000);
    return socket;
  }

  @Test
  void silentConnectionsTakeFewDescriptors(@TempDir Path folder)
      throws IOException, InterruptedException {
    DaemonProcess.Setup setup = DaemonProcess.Setup.of(4).with("\"metrics\": { \"port\": 0 }");
    List<Socket> silent = new ArrayList<>();
    try (DaemonProcess daemon = DaemonProcess.start(folder, setup)) {
      int before = daemon.descriptors();
      int port = port(daemon);
      Attack.on(
          daemon,
          "3,000 silent connections to the metrics",
          OTHERS,
          () -> {
            for (int i = 0; i < 3000; i++) {
              silent.add(connected(port));
            }
          });
      int more = daemon.descriptors() - before;
      Attack.note("3,000 silent connections to the metrics", more + " descriptors more");
      assertThat(more).isLessThan(64);
      daemon.isWellAndEnds(2);
    } finally {
      for (Socket socket : silent) {
        socket.close();
      }
    }
  }

  @Test
  void halfARequestDoesNotKeepTheMetrics(@TempDir Path folder)
      throws IOException, InterruptedException {
    DaemonProcess.Setup setup = DaemonProcess.Setup.of(1).with("\"metrics\": { \"port\": 0 }");
    try (DaemonProcess daemon = DaemonProcess.start(folder, setup);
        HttpClient http = HttpClient.newHttpClient();
        Socket half = connected(port(daemon))) {
      half.getOutputStream().write("GET /metr".getBytes(StandardCharsets.US_ASCII));
      URI uri = URI.create("http://127.0.0.1:" + port(daemon) + "/metrics");
      HttpRequest request = HttpRequest.newBuilder(uri).timeout(Duration.ofSeconds(10)).build();
      long start = System.nanoTime();
      HttpResponse<String> answer = http.send(request, HttpResponse.BodyHandlers.ofString());
      Attack.note("half a GET", (System.nanoTime() - start) / 1_000_000 + " ms for another's GET");
      assertThat(answer.statusCode()).isEqualTo(200);
      half.setSoTimeout(20_000);
      assertThat(half.getInputStream().read()).as("the half request is ended").isNegative();
      daemon.isWellAndEnds(0);
    }
  }
}
