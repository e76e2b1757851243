package io.vpasid.guest.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import io.vpasid.guest.cli.Main;
import io.vpasid.guest.control.ControlClient;
import io.vpasid.guest.html.Browser;
import io.vpasid.testing.Need;
import io.vpasid.testing.Needs;
import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/// The page of `serve --isolate`: two functions, each in a process of its own, and one page.
@Timeout(180)
class LivePageOfTenantsTest {
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  @TempDir private Path folder;
  private Process daemon;
  private URI page;

  @BeforeEach
  void start() throws IOException {
    Path file =
        DaemonFiles.write(
            folder,
            "\"page\": {}, \"iommu\": { \"name\": \"unit\", \"socket\": \"unit.sock\", \"covers\": [ { \"function\": \"pf\", \"place\": \"03.0\" } ] },");
    String classes =
        String.join(
            File.pathSeparator,
            System.getProperty("java.class.path", ""),
            System.getProperty("jdk.module.path", ""));
    daemon =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED",
                "-XX:TieredStopAtLevel=1",
                "-cp",
                classes,
                Main.class.getName(),
                "serve",
                file.toString(),
                "--isolate")
            .redirectError(folder.resolve("log").toFile())
            .start();
    BufferedReader said = daemon.inputReader();
    String line = said.readLine();
    while (line != null && !line.startsWith("page on ")) {
      line = said.readLine();
    }
    assertThat(line).as("the daemon serves a page").isNotNull();
    page = URI.create(line.substring("page on ".length()));
  }

  @AfterEach
  void end() throws InterruptedException {
    daemon.destroy();
    if (!daemon.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS)) {
      daemon.destroyForcibly();
    }
  }

  private JsonNode control(String command, Map<String, String> arguments) throws IOException {
    try (ControlClient client = ControlClient.connect(folder.resolve("control.sock"), PATIENCE)) {
      return client.execute(command, arguments);
    }
  }

  @Test
  void stateIsThatOfAllProcesses() throws IOException {
    control("pasid-attach", Map.of("function", "vf", "pasid", "7", "space", "shell"));

    JsonNode state = control("query-state", Map.of());

    assertThat(state.at("/tenants").valueStream().map(t -> t.at("/tenant").stringValue()))
        .containsExactly("pf", "vf");
    assertThat(state.at("/functions").valueStream().map(f -> f.at("/function/name").stringValue()))
        .containsExactly("pf", "vf");
    assertThat(state.at("/functions/1/counted/attached").intValue()).isEqualTo(1);
    assertThat(state.at("/attachments/attachments/0/name").stringValue()).isEqualTo("shell");
    assertThat(state.at("/attachments/more").booleanValue()).isFalse();
    assertThat(state.at("/addressSpaces").valueStream().map(s -> s.at("/name").stringValue()))
        .containsExactly("shell", "only-pf");
    assertThat(state.at("/iommus/0/report/registers/VER").stringValue()).isEqualTo("0x50");
    assertThat(control("query-page", Map.of()).at("/address").stringValue())
        .isEqualTo(page.toString());
  }

  @Test
  @Needs({Need.CHROMIUM, Need.AXE_CORE})
  void browserShowsAProcessThatDiesAndComesBack() throws IOException {
    try (Browser browser = Browser.open()) {
      browser.go(page);
      browser.await("document.querySelectorAll('#tenants tbody tr').length === 2");
      assertThat(browser.texts("#functions tbody th")).containsExactly("pf", "vf");
      assertThat(browser.texts("#iommus h3")).containsExactly("unit");
      assertThat(browser.texts("#tenants tbody .state")).containsExactly("serving", "serving");

      control("pasid-attach", Map.of("function", "vf", "pasid", "7", "space", "shell"));
      browser.await("document.querySelector('#attachments tbody').innerText.includes('shell (1)')");
      assertThat(browser.texts("#events tbody td:nth-child(2)")).contains("PASID_ATTACHED");

      long victim = control("query-tenants", Map.of()).at("/1/pid").longValue();
      ProcessHandle.of(victim).orElseThrow().destroyForcibly();
      browser.await("document.querySelector('#events').innerText.includes('TENANT_ENDED')");
      browser.await("document.querySelector('#events').innerText.includes('TENANT_STARTED')");
      browser.await(
          "document.querySelector('#tenants tbody tr:nth-child(2)').innerText.includes('serving\\t')"
              + " && document.querySelectorAll('#functions tbody tr').length === 2");
      assertThat(browser.texts("#tenants tbody tr:nth-child(2) td:nth-child(4)"))
          .containsExactly("2");
      assertThat(browser.texts("#attachments tbody td")).contains("none is attached");

      browser.resize(1200, 1080);
      browser.picture("live-tenants.png");
      assertThat(browser.accessibilityProblems()).isEmpty();
      browser.look("screen", "dark");
      browser.resize(390, 1000);
      assertThat(browser.accessibilityProblems()).isEmpty();
      assertThat(browser.console()).isEmpty();
    }
  }
}
