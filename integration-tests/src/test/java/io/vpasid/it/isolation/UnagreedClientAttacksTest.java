package io.vpasid.it.isolation;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Clients that have not agreed on a version, or have just done so: many at once, and such as
/// announce long messages and do not send them.
class UnagreedClientAttacksTest {
  private static final int FUNCTIONS = 300;
  private static final int ROUNDS = 8;

  @Test
  void messagesThatAreOnlyAnnouncedTakeNoMemory(@TempDir Path folder)
      throws IOException, InterruptedException {
    DaemonProcess.Setup small = DaemonProcess.Setup.of(FUNCTIONS).java("-Xmx128m");
    List<Client> attackers = new ArrayList<>();
    try (DaemonProcess daemon = DaemonProcess.start(folder, small)) {
      long resident = daemon.resident();
      byte[] announcement =
          Client.payload(
              17,
              p ->
                  p.putShort((short) 1)
                      .putShort((short) Client.VERSION)
                      .putInt(1 << 20)
                      .putInt(0)
                      .putInt(0)
                      .put((byte) 0));
      Attack.on(
          daemon,
          "1 MiB announced to each of 297 functions before VERSION",
          new int[] {0, 1, 2},
          () -> {
            for (int i = 3; i < FUNCTIONS; i++) {
              Client attacker = Client.connect(daemon.socket(i), 5);
              attackers.add(attacker);
              attacker.bytes(announcement);
            }
          });
      Attack.note(
          "1 MiB announced to each of 297 functions before VERSION",
          ((daemon.resident() - resident) >> 20) + " MiB resident more");
      daemon.isWellAndEnds(1);
    } finally {
      attackers.forEach(Client::close);
    }
  }

  @Test
  void messagesThatAreOnlyAnnouncedAfterVersionTakeNoMemoryEither(@TempDir Path folder)
      throws IOException, InterruptedException {
    DaemonProcess.Setup small = DaemonProcess.Setup.of(FUNCTIONS).java("-Xmx128m");
    List<Client> attackers = new ArrayList<>();
    try (DaemonProcess daemon = DaemonProcess.start(folder, small)) {
      byte[] announcement =
          Client.payload(
              17,
              p ->
                  p.putShort((short) 1)
                      .putShort((short) Client.REGION_WRITE)
                      .putInt(1 << 20)
                      .putInt(0)
                      .putInt(0)
                      .put((byte) 0));
      Attack.on(
          daemon,
          "1 MiB announced to each of 297 functions after VERSION",
          new int[] {0, 1, 2},
          () -> {
            for (int i = 3; i < FUNCTIONS; i++) {
              Client attacker = Client.agreed(daemon.socket(i));
              attackers.add(attacker);
              attacker.bytes(announcement);
            }
          });
      assertThat(daemon.process().isAlive()).isTrue();
      daemon.isWellAndEnds(1);
    } finally {
      attackers.forEach(Client::close);
    }
  }

  @Test
  void clientsThatAllConnectAtOnceDoNotDelayOthers(@TempDir Path folder)
      throws IOException, InterruptedException {
    String name = "297 functions connected to and told a version at once, eight times";
    try (DaemonProcess daemon = DaemonProcess.start(folder, DaemonProcess.Setup.of(FUNCTIONS))) {
      Attack.on(
          daemon,
          name,
          new int[] {0, 1, 2},
          () -> {
            for (int round = 0; round < ROUNDS; round++) {
              connectAtOnce(daemon);
            }
          });
      daemon.isWellAndEnds(1);
    }
  }

  private static void connectAtOnce(DaemonProcess daemon) throws IOException {
    List<Client> attackers = new ArrayList<>();
    try {
      for (int i = 3; i < FUNCTIONS; i++) {
        Client attacker = Client.connect(daemon.socket(i), 5);
        attackers.add(attacker);
        attacker.sayVersion();
      }
      for (Client attacker : attackers) {
        assertThat(attacker.answer()).isZero();
      }
    } finally {
      attackers.forEach(Client::close);
    }
  }
}
