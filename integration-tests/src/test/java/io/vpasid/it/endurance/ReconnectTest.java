package io.vpasid.it.endurance;

import static io.vpasid.vmm.vfio.PciIndex.CONFIG_REGION;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vpasid.guest.control.ControlClient;
import io.vpasid.guest.vfiouser.VfioUserClient;
import io.vpasid.it.isolation.Calls;
import io.vpasid.it.isolation.DaemonProcess;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// What a client of ours has when the daemon was killed and is started again: the rows of
/// `docs/daemon.md`, "When it is killed and starts again".
@Timeout(180)
class ReconnectTest {
  private static final int WINDOW = 1 << 20;
  private static final int CONFIG_SIZE = 4096;

  /// Far above what a client waits for an answer, so that a failure within it is no timeout.
  private static final Duration LONG = Duration.ofMinutes(10);

  private static final DaemonProcess.Setup SETUP =
      DaemonProcess.Setup.of(1).with("\"addressSpaces\": [ { \"name\": \"shell\" } ]");

  @TempDir private Path folder;
  private Life life;

  @BeforeEach
  void start() throws IOException {
    life = new Life(1, DaemonProcess.start(folder, SETUP));
  }

  @AfterEach
  void end() {
    life.kill();
  }

  private void startAgain() throws IOException {
    life = new Life(2, DaemonProcess.start(folder, SETUP));
  }

  private VfioUserClient client() throws IOException {
    return VfioUserClient.connect(
        life.socket(0), VfioUserClient.Options.defaults().withTimeout(LONG));
  }

  private int pasidControl() throws IOException {
    return life.vpasid(0) + 6;
  }

  private static int word(VfioUserClient client, int offset) throws IOException {
    return client.read(CONFIG_REGION, offset, 2).order(ByteOrder.LITTLE_ENDIAN).getShort();
  }

  private void enableAndAttach(VfioUserClient client) throws IOException {
    client.write(CONFIG_REGION, pasidControl(), ByteBuffer.wrap(new byte[] {1, 0}));
    try (ControlClient control = life.controller()) {
      control.execute("pasid-attach", Map.of("function", "f0", "pasid", "5", "space", "shell"));
    }
  }

  @Test
  void requestsFailAtOnceAndTheConnectionStaysClosed() throws IOException {
    try (VfioUserClient client = client()) {
      life.kill();

      assertThatThrownBy(() -> word(client, 0)).isInstanceOf(IOException.class);
      assertThat(client.isOpen()).isFalse();

      startAgain();
      assertThatThrownBy(() -> word(client, 0)).isInstanceOf(IOException.class);
    }
  }

  @Test
  void requestsUnderWayFail() throws IOException {
    try (VfioUserClient client = client()) {
      Process daemon = life.process();
      assertThat(new ProcessBuilder("kill", "-STOP", "" + daemon.pid()).start().onExit().join())
          .returns(0, Process::exitValue);
      CompletableFuture<ByteBuffer> underWay = client.readAsync(CONFIG_REGION, 0, 4);
      life.kill();

      assertThatThrownBy(() -> VfioUserClient.await(underWay)).isInstanceOf(IOException.class);
    }
  }

  @Test
  void nobodyConnectsUntilItServesAgain() throws IOException {
    life.kill();
    assertThat(life.socket(0)).exists();
    assertThatThrownBy(this::client).isInstanceOf(IOException.class);
    assertThatThrownBy(life::controller).isInstanceOf(IOException.class);

    startAgain();
    try (VfioUserClient client = client();
        ControlClient control = life.controller()) {
      assertThat(word(client, 0)).isEqualTo((short) 0xf00d);
      assertThat(control.execute("query-functions", Map.of())).hasSize(1);
    }
  }

  @Test
  void functionIsTheSameWithItsVpasidInTheSamePlace() throws IOException {
    ByteBuffer before;
    try (VfioUserClient client = client()) {
      before = client.read(CONFIG_REGION, 0, CONFIG_SIZE);
    }
    int place = life.vpasid(0);
    life.kill();

    startAgain();
    assertThat(life.vpasid(0)).isEqualTo(place);
    try (VfioUserClient client = client()) {
      assertThat(client.read(CONFIG_REGION, 0, CONFIG_SIZE)).isEqualTo(before);
    }
  }

  @Test
  void whatTheGuestEnabledAndAttachedIsGoneAndCanBeDoneAgain() throws IOException {
    try (VfioUserClient client = client()) {
      enableAndAttach(client);
      assertThat(word(client, pasidControl())).isEqualTo(1);
      life.kill();
    }

    startAgain();
    try (VfioUserClient client = client();
        ControlClient control = life.controller()) {
      assertThat(word(client, pasidControl())).isZero();
      assertThat(control.execute("query-attachments", Map.of()).path("attachments")).isEmpty();
      enableAndAttach(client);
      assertThat(control.execute("query-attachments", Map.of()).path("attachments")).hasSize(1);
    }
  }

  @Test
  void memoryHasToBeSharedAgainAndTheSameFileWillDo() throws IOException {
    int file = Calls.memoryFile(WINDOW, true);
    try (VfioUserClient client = client()) {
      client.shareDma(0, WINDOW, Calls.duplicate(file));
      life.kill();
    }

    startAgain();
    try (VfioUserClient client = client()) {
      assertThatThrownBy(() -> client.unmapDma(0, WINDOW)).isInstanceOf(IOException.class);
      client.shareDma(0, WINDOW, Calls.duplicate(file));
      client.unmapDma(0, WINDOW);
    } finally {
      Calls.close(file);
    }
  }

  @Test
  void whatTheConfigurationNamesIsBackAndWhatWasAddedIsNot() throws IOException {
    try (ControlClient control = life.controller()) {
      control.execute("address-space-add", Map.of("name", "added"));
      control.execute(
          "function-add",
          Map.of(
              "name", "more", "source", "function.json", "socket", "more.sock", "iommu", "intel"));
      life.kill();
    }

    startAgain();
    try (ControlClient control = life.controller()) {
      assertThat(control.execute("address-space-list", Map.of()))
          .singleElement()
          .returns("shell", space -> space.path("name").asString())
          .returns(1, space -> space.path("handle").asInt());
      assertThat(control.execute("query-functions", Map.of()))
          .singleElement()
          .returns("f0", function -> function.path("name").asString());
      control.execute(
          "function-add",
          Map.of(
              "name", "more", "source", "function.json", "socket", "more.sock", "iommu", "intel"));
    }
  }
}
