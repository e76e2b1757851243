package io.vpasid.guest.daemon;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vpasid.guest.config.DaemonConfig;
import io.vpasid.guest.config.LogStyle;
import io.vpasid.guest.control.ControlClient;
import io.vpasid.guest.control.ControlException;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// A daemon with the two functions of [DaemonFiles], and a client on its control socket, for the
/// tests of commands.
abstract class WithDaemon {
  static final Duration PATIENCE = Duration.ofSeconds(20);

  @TempDir Path folder;
  final CountDownLatch ending = new CountDownLatch(1);
  Daemon daemon;
  ControlClient client;
  private DaemonLog log;
  private final String more;

  /// @param more members of the configuration, as [DaemonFiles#write] takes them
  WithDaemon(String more) {
    this.more = more;
  }

  @BeforeEach
  void start() throws IOException {
    log = DaemonLog.to(OutputStream.nullOutputStream(), LogStyle.DEFAULT, false);
    daemon = Daemon.start(DaemonConfig.read(DaemonFiles.write(folder, more)), "0.1.0", log, ending);
    client = ControlClient.connect(folder.resolve("control.sock"), PATIENCE);
  }

  @AfterEach
  void end() {
    client.close();
    daemon.close();
    log.close();
  }

  JsonNode call(String line) throws IOException {
    return CtlLine.call(client, line);
  }

  void assertRefused(String desc, String line) {
    assertThatThrownBy(() -> call(line))
        .isInstanceOf(ControlException.class)
        .hasMessageContaining(desc);
  }

  /// The next event of this name; those before it are dropped.
  ObjectNode event(String name) throws IOException {
    ObjectNode event = client.nextEvent(PATIENCE).orElseThrow();
    while (!event.path("event").asString("").equals(name)) {
      event = client.nextEvent(PATIENCE).orElseThrow();
    }
    return event;
  }

  /// The guest's enable, written where its driver would write it.
  void enable(String function) throws IOException {
    String placed = call("query-function function=" + function).path("vpasid").asString("");
    int control = Integer.decode(placed) + 6;
    call("config-write function=" + function + " offset=" + control + " value=1 width=2");
  }

  /// Adds the physical function once more, on a host of its own.
  JsonNode addAlone(String name) throws IOException {
    return call(
        ("function-add name=%s source=machine.txt address=%s socket=%s.sock kernel=7.3"
                + " attachBeforeEnable=true")
            .formatted(name, DaemonFiles.PHYSICAL, name));
  }
}
