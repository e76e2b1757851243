package io.vpasid.it.isolation;

import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// A client asks for much work in one message.
class TurnAttacksTest {
  private static final int[] OTHERS = {1, 2, 3};

  @Test
  void resetsInOneMessageLeaveOthersTheirTurn(@TempDir Path folder)
      throws IOException, InterruptedException {
    try (DaemonProcess daemon = DaemonProcess.start(folder, DaemonProcess.Setup.of(4));
        Client attacker = Client.agreed(daemon.socket(0))) {
      int express = capability(attacker, 0x10);
      byte[] several =
          Client.payload(
              8 + 24 * 43_690,
              p -> {
                p.putLong(43_690);
                for (int i = 0; i < 43_690; i++) {
                  // Initiate Function Level Reset, bit 15 of Device Control.
                  p.putLong(express + 8).putInt(Client.CONFIG).putInt(2).putLong(0x8000);
                }
              });
      Attack.on(
          daemon,
          "WRITE_MULTI of 43,690 function-level resets, five times",
          OTHERS,
          () -> {
            for (int i = 0; i < 5; i++) {
              attacker.tell(Client.WRITE_MULTI, several);
            }
            attacker.readConfig();
          });
      daemon.isWellAndEnds(2);
    }
  }

  /// The offset of a capability in the standard list.
  private static int capability(Client client, int id) throws IOException {
    int at = client.readConfig(0x34) & 0xff;
    while (at != 0 && (client.readConfig(at) & 0xff) != id) {
      at = client.readConfig(at) >> 8 & 0xff;
    }
    return at;
  }
}
