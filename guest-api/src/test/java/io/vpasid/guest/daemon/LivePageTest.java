package io.vpasid.guest.daemon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vpasid.guest.config.DaemonConfig;
import io.vpasid.guest.config.LogStyle;
import io.vpasid.guest.control.ControlClient;
import io.vpasid.guest.control.ControlEvent;
import io.vpasid.guest.html.Browser;
import io.vpasid.guest.socket.SocketKind;
import io.vpasid.guest.socket.SocketLoops;
import io.vpasid.testing.Need;
import io.vpasid.testing.Needs;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// The page of a daemon with two functions, as its server answers and as a browser shows it.
@Timeout(120)
class LivePageTest {
  private static final Duration PATIENCE = Duration.ofSeconds(20);

  @TempDir private Path folder;
  private DaemonLog log;
  private Daemon daemon;
  private URI page;

  @BeforeEach
  void start() throws IOException {
    log = DaemonLog.to(OutputStream.nullOutputStream(), LogStyle.DEFAULT, false);
    daemon =
        daemon(
            "\"page\": {}, \"iommu\": { \"socket\": \"unit.sock\", \"covers\": [ { \"function\": \"pf\", \"place\": \"03.0\" } ] },");
    page = URI.create(daemon.page().orElseThrow());
  }

  private Daemon daemon(String more) throws IOException {
    return Daemon.start(
        DaemonConfig.read(DaemonFiles.write(folder, more)), "0.1.0", log, new CountDownLatch(1));
  }

  @AfterEach
  void end() {
    daemon.close();
    log.close();
  }

  private Socket connect(String request) throws IOException {
    Socket socket = new Socket(InetAddress.getLoopbackAddress(), page.getPort());
    socket.getOutputStream().write((request + "\r\n\r\n").getBytes(StandardCharsets.US_ASCII));
    return socket;
  }

  private String say(String request) throws IOException {
    try (Socket socket = connect(request)) {
      return new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    }
  }

  private String get(String path) throws IOException {
    return say("GET " + page.getPath() + path + " HTTP/1.1\r\nHost: " + page.getAuthority());
  }

  private void control(String... lines) throws IOException {
    try (ControlClient client = ControlClient.connect(folder.resolve("control.sock"), PATIENCE)) {
      for (String line : lines) {
        CtlLine.call(client, line);
      }
    }
  }

  @ParameterizedTest
  @CsvSource({
    "GET, {page}, 127.0.0.1:{port}, 200 OK",
    "GET, {page}, localhost:{port}, 200 OK",
    "GET, {page}state, 127.0.0.1:{port}, 200 OK",
    "GET, {page}, rebound.example:{port}, 403 Forbidden",
    "GET, {page}, 127.0.0.1, 403 Forbidden",
    "GET, {page}, '', 403 Forbidden",
    "GET, {page}state, rebound.example:{port}, 403 Forbidden",
    "GET, {page}else, 127.0.0.1:{port}, 404 Not Found",
    "GET, /, 127.0.0.1:{port}, 404 Not Found",
    "GET, /state, 127.0.0.1:{port}, 404 Not Found",
    "GET, //state, 127.0.0.1:{port}, 404 Not Found",
    "GET, /AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA/state, 127.0.0.1:{port}, 404 Not Found",
    "POST, {page}, 127.0.0.1:{port}, 405 Method Not Allowed",
    "HEAD, {page}, 127.0.0.1:{port}, 405 Method Not Allowed",
    "DELETE, {page}state, 127.0.0.1:{port}, 405 Method Not Allowed",
  })
  void onlyWhoKnowsTheAddressReads(String method, String path, String host, String status)
      throws IOException {
    String port = String.valueOf(page.getPort());

    assertThat(
            say(
                "%s %s HTTP/1.1\r\nHost: %s"
                    .formatted(
                        method,
                        path.replace("{page}", page.getPath()),
                        host.replace("{port}", port))))
        .startsWith("HTTP/1.1 " + status + "\r\n");
  }

  @Test
  void severalHostsAreNone() throws IOException {
    assertThat(
            say(
                "GET %s HTTP/1.1\r\nHost: %s\r\nHost: rebound.example"
                    .formatted(page.getPath(), page.getAuthority())))
        .startsWith("HTTP/1.1 403 ");
  }

  @Test
  void pageBringsItsPolicyAndIsNotKept() throws IOException {
    assertThat(get("").split("\r\n\r\n", 2)[0])
        .contains("Content-Security-Policy: default-src 'none'; ", "; frame-ancestors 'none'")
        .contains("Cache-Control: no-store", "Referrer-Policy: no-referrer", "nosniff");
  }

  @Test
  void tokenIsLongAndAnotherAtEveryStart() throws IOException {
    String token = page.getPath();
    daemon.close();
    daemon = daemon("\"page\": { \"port\": 0 },");

    assertThat(token).matches("/[-_A-Za-z0-9]{43}/");
    assertThat(URI.create(daemon.page().orElseThrow()).getPath()).isNotEqualTo(token);
  }

  @Test
  void thereIsNoPageUnlessTheConfigurationAsks() throws IOException {
    daemon.close();
    daemon = daemon("");

    assertThat(daemon.page()).isEmpty();
  }

  @Test
  void whoMayControlIsToldTheAddressAgain() throws IOException {
    assertThat(answer("query-page")).isEqualTo("{\"address\":\"" + page + "\"}");
  }

  @Test
  void commandOfADaemonWithoutPageSaysHowToHaveOne() throws IOException {
    daemon.close();
    daemon = daemon("");

    assertThatThrownBy(() -> answer("query-page"))
        .hasMessageContaining("there is no page; \"page\": {} in the configuration asks for one");
  }

  @Test
  void stateIsThatOfTheControlSocket() throws IOException {
    assertThat(get("state").split("\r\n\r\n", 2)[1]).isEqualTo(answer("query-state"));
  }

  private String answer(String command) throws IOException {
    try (ControlClient client = ControlClient.connect(folder.resolve("control.sock"), PATIENCE)) {
      return client.execute(command, Map.of()).toString();
    }
  }

  @Test
  void portIsOnTheLoopbackAddressAlone() throws IOException {
    InetAddress other = InetAddress.getByName("127.0.0.2");
    try (Socket socket = new Socket()) {
      assertThat(isRefused(socket, new InetSocketAddress(other, page.getPort()))).isTrue();
    }
  }

  private static boolean isRefused(Socket socket, InetSocketAddress address) {
    try {
      socket.connect(address, 5000);
      return false;
    } catch (IOException e) {
      return true;
    }
  }

  @Test
  void stateHasFunctionsAttachmentsAndIommus() throws IOException {
    control("pasid-attach function=vf pasid=7 space=shell");

    JsonNode state = new JsonMapper().readTree(get("state").split("\r\n\r\n", 2)[1]);

    assertThat(state.at("/version").stringValue()).isEqualTo("0.1.0");
    assertThat(state.at("/functions").valueStream().map(f -> f.at("/function/name").stringValue()))
        .containsExactly("pf", "vf");
    assertThat(state.at("/functions/1/function/attached").intValue()).isEqualTo(1);
    assertThat(state.at("/attachments/attachments/0/pasid").intValue()).isEqualTo(7);
    assertThat(state.at("/attachments/attachments/0/name").stringValue()).isEqualTo("shell");
    assertThat(state.at("/iommus/0/report/registers/VER").stringValue()).isEqualTo("0x50");
  }

  @Test
  void eventsComeAsTheyHappen() throws IOException {
    try (Socket socket = events();
        BufferedReader events = lines(socket)) {
      awaitLine(events, ":");
      control("pasid-attach function=vf pasid=7 space=shell");

      assertThat(awaitLine(events, "data: {\"event\":\"PASID_ATTACHED\""))
          .contains("\"data\":{\"function\":\"vf\",\"pasid\":7,\"space\":1}");
    }
  }

  private Socket events() throws IOException {
    return connect("GET " + page.getPath() + "events HTTP/1.1\r\nHost: " + page.getAuthority());
  }

  private static BufferedReader lines(Socket socket) throws IOException {
    return new BufferedReader(
        new InputStreamReader(socket.getInputStream(), StandardCharsets.UTF_8));
  }

  private static String awaitLine(BufferedReader lines, String start) throws IOException {
    String line = lines.readLine();
    while (!line.startsWith(start)) {
      line = lines.readLine();
    }
    return line;
  }

  @Test
  void whoDoesNotReadLosesEventsAndIsTold() throws IOException {
    try (SocketLoops loops = SocketLoops.open(SocketKind.best(), "test", 1);
        LivePage own = new LivePage(Map::of, loops, 0, 1)) {
      page = URI.create(own.address());
      try (Socket socket = events();
          BufferedReader events = lines(socket)) {
        awaitLine(events, ":");
        EventData data = EventData.of("text", "x".repeat(1000));
        for (int i = 0; i < 30_000; i++) {
          own.tell(ControlEvent.FUNCTION_RESET, data);
        }
        Thread more =
            Thread.ofVirtual()
                .start(() -> {
                  while (!Thread.currentThread().isInterrupted()) {
                    own.tell(ControlEvent.FUNCTION_RESET, new EventData());
                    Thread.onSpinWait();
                  }
                });

        assertThat(awaitLine(events, "data: {\"event\":\"EVENTS_LOST\""))
            .containsPattern("\"count\":[1-9][0-9]*");
        more.interrupt();
      }
    }
  }

  @Test
  void theOldestConnectionMakesRoomForTheNewest() throws IOException {
    try (SocketLoops loops = SocketLoops.open(SocketKind.best(), "test", 1);
        LivePage own = new LivePage(Map::of, loops, 0, 1)) {
      page = URI.create(own.address());
      try (Socket first = events();
          BufferedReader events = lines(first)) {
        awaitLine(events, ":");

        assertThat(get("state")).startsWith("HTTP/1.1 200 OK");
        assertThat(events.lines()).allMatch(line -> line.isEmpty() || line.equals(":"));
      }
    }
  }

  @Test
  @Needs({Need.CHROMIUM, Need.AXE_CORE})
  void browserShowsWhatHappens() throws IOException {
    try (Browser browser = Browser.open()) {
      browser.go(page);
      browser.await("document.querySelectorAll('#functions tbody tr').length === 2");
      String control = "config-write function=pf width=2 value=1 offset=" + (0x1a0 + 6);
      control(control, "pasid-attach function=vf pasid=7 space=shell");
      browser.await("document.querySelector('#attachments tbody').innerText.includes('shell (1)')");

      assertThat(browser.texts("#functions tbody th")).containsExactly("pf", "vf");
      assertThat(browser.texts("#events tbody td:nth-child(2)")).contains("PASID_ATTACHED");
      assertThat(browser.texts("#counts li")).contains("1\nPASIDs attached");
      browser.resize(1200, 1080);
      browser.picture("docs-live.png");
      browser.click("#registers-0 summary");
      assertThat(browser.texts("#registers-0 th")).contains("GSTS");
      assertThat(browser.accessibilityProblems()).isEmpty();
      browser.look("screen", "dark");
      browser.resize(390, 1000);
      assertThat(browser.accessibilityProblems()).isEmpty();
      browser.picture("live-dark-390.png");
      assertThat(browser.console()).isEmpty();

      daemon.close();
      browser.await("document.getElementById('status').innerText.includes('does not answer')");
    }
  }
}
