package io.vpasid.it.isolation;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// A client shares the open file of an eventfd that it has sent, and can have writes to it block.
class InterruptAttacksTest {
  private static final long FULL = 0xffff_ffff_ffff_fffeL;

  @Test
  void aSignalDoesNotWaitForAClientThatHasFilledItsEventfd(@TempDir Path folder)
      throws IOException, InterruptedException {
    try (DaemonProcess daemon = DaemonProcess.start(folder, DaemonProcess.Setup.of(4));
        Client attacker = Client.agreed(daemon.socket(0))) {
      int eventfd = Calls.eventfd();
      assertThat(attacker.setEventfd(0, eventfd)).isZero();
      Calls.add(eventfd, FULL);
      Calls.makeBlocking(eventfd);
      Attack.on(
          daemon,
          "eventfd that is full and blocks",
          new int[] {1, 2, 3},
          () -> assertThat(attacker.trigger(0)).isZero());
      assertThat(
              daemon.control("{\"execute\":\"function-del\",\"arguments\":{\"function\":\"f0\"}}"))
          .contains("return");
      daemon.isWellAndEnds(2);
    }
  }

  @Test
  void aSignalArrives(@TempDir Path folder) throws IOException {
    try (DaemonProcess daemon = DaemonProcess.start(folder, DaemonProcess.Setup.of(1));
        Client client = Client.agreed(daemon.socket(0))) {
      int eventfd = Calls.eventfd();
      assertThat(client.setEventfd(0, eventfd)).isZero();
      assertThat(client.trigger(0)).isZero();
      assertThat(client.trigger(0)).isZero();
      assertThat(Calls.take(eventfd)).isEqualTo(2);
    }
  }
}
