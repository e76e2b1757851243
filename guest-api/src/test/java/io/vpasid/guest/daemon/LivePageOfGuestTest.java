package io.vpasid.guest.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import io.vpasid.guest.config.DaemonConfig;
import io.vpasid.guest.config.LogStyle;
import io.vpasid.guest.html.Browser;
import io.vpasid.guest.scenario.DaemonMachines;
import io.vpasid.guest.scenario.Machine;
import io.vpasid.guest.scenario.Scenario;
import io.vpasid.testing.Need;
import io.vpasid.testing.Needs;
import java.io.IOException;
import java.io.OutputStream;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// The page while a guest's driver has programmed a virtual IOMMU, through vfio-user sockets, and
/// its function has done DMA with PASIDs.
@Timeout(180)
class LivePageOfGuestTest {
  private static final Path LIBRARY = Path.of("../scenarios").toAbsolutePath().normalize();

  @TempDir private Path folder;

  @Test
  @Needs({Need.CHROMIUM, Need.AXE_CORE})
  void browserShowsWhatTheGuestHasInItsTables() throws IOException {
    Path config =
        Files.writeString(
            folder.resolve("serve.json"),
            "{ \"format\": 1, \"control\": { \"socket\": \"control.sock\" }, \"page\": {} }");
    Path file =
        Files.writeString(
            folder.resolve("scenario.json"),
            """
            { "format": 1, "title": "Two processes, and one more page than they have",
              "function": "%s", "vmm": { "iommu": "nested" },
              "steps": [
                { "enable": { "width": 20 } },
                { "iommuEnable": {} },
                { "map": { "table": "one", "address": "0x400000" } },
                { "bind": { "table": "one" } },
                { "bind": { "pasid": 7, "table": "one" } },
                { "await": { "event": "attached", "pasid": 7 } },
                { "map": { "table": "other", "address": "0x400000" } },
                { "bind": { "pasid": 8, "table": "other" } },
                { "await": { "event": "attached", "pasid": 8 } },
                { "dma": { "pasid": 7, "address": "0x400008", "write": "0xcafe" } },
                { "dma": { "pasid": 8, "address": "0x500000", "read": 0, "expect": "fault" } },
                { "fault": { "pasid": 8, "address": "0x500000", "reason": "not-present" } } ] }
            """
                .formatted(LIBRARY.resolve("functions/dma-engine.json")));
    try (DaemonLog log = DaemonLog.to(OutputStream.nullOutputStream(), LogStyle.DEFAULT, false);
        Daemon daemon =
            Daemon.start(DaemonConfig.read(config), "0.1.0", log, new CountDownLatch(1));
        Browser browser = Browser.open();
        DaemonMachines machines = DaemonMachines.connect(folder.resolve("control.sock"))) {
      browser.go(URI.create(daemon.page().orElseThrow()));
      browser.await("document.getElementById('status').innerText.startsWith('live')");

      Scenario.read(file)
          .getFirst()
          .run(1, (setup, guest) -> beforeUnplug(machines.open(setup, guest), () -> look(browser)))
          .requirePassed();

      browser.await("document.querySelector('#iommus').innerText === 'There is none.'");
      assertThat(browser.console()).isEmpty();
    }
  }

  private static void look(Browser browser) {
    browser.await("document.querySelectorAll('#iommus section tbody')[0]?.rows.length === 3");
    assertThat(browser.texts("#iommus dd")).contains("on, scalable tables");
    assertThat(browser.texts("#iommus section > .scroll tbody th")).containsExactly("–", "7", "8");
    assertThat(browser.texts("#iommus section > .scroll tbody td:nth-child(3)"))
        .element(1)
        .asString()
        .startsWith("first stage at 0x");
    assertThat(browser.texts("#iommus section > .scroll tbody td:nth-child(5)"))
        .element(2)
        .asString()
        .matches("root 0x\\w+ → context 0x\\w+ → .* 0x\\w+");
    assertThat(browser.texts("#functions tbody td .state")).containsExactly("enabled");
    assertThat(browser.texts("#events tbody td:nth-child(2)")).contains("IOMMU_ENTRY_APPLIED");
    browser.click("#counters-0 summary");
    browser.await(
        "[...document.querySelectorAll('#counters-0 tr')].some(r => r.innerText === 'faults\\t1')");
    browser.resize(1200, 1500);
    browser.picture("live-guest.png");
    assertThat(browser.accessibilityProblems()).isEmpty();
  }

  /// A machine that does something more just before it is unplugged.
  private static Machine beforeUnplug(Machine machine, Runnable before) {
    return (Machine)
        Proxy.newProxyInstance(
            Machine.class.getClassLoader(),
            new Class<?>[] {Machine.class},
            (_, method, arguments) -> {
              if (method.getName().equals("unplug")) {
                before.run();
              }
              try {
                return method.invoke(machine, arguments);
              } catch (InvocationTargetException e) {
                throw e.getCause();
              }
            });
  }
}
