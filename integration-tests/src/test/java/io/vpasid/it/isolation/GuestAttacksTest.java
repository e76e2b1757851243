package io.vpasid.it.isolation;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// A guest does with its function whatever it likes, as fast as it can.
class GuestAttacksTest {
  private static final int[] OTHERS = {1, 2, 3};

  /// Where the PASID control register is in the vPASID.
  private static final int PASID_CONTROL = 6;

  @Test
  void togglingPasidEnableDoesNotFloodTheLog(@TempDir Path folder)
      throws IOException, InterruptedException {
    try (DaemonProcess daemon = DaemonProcess.start(folder, DaemonProcess.Setup.of(4));
        Client attacker = Client.agreed(daemon.socket(0))) {
      int control = vpasid(daemon) + PASID_CONTROL;
      long before = Files.size(folder.resolve("serve.log"));
      long seconds = 3;
      Attack.on(
          daemon,
          "PASID Enable toggled",
          OTHERS,
          () -> {
            byte[] on = Client.written(Client.CONFIG, control, new byte[] {1, 0});
            byte[] off = Client.written(Client.CONFIG, control, new byte[] {0, 0});
            long end = System.nanoTime() + seconds * 1_000_000_000;
            while (System.nanoTime() < end) {
              for (int i = 0; i < 500; i++) {
                attacker.tell(Client.REGION_WRITE, on);
                attacker.tell(Client.REGION_WRITE, off);
              }
              attacker.readConfig();
            }
          });
      long written = Files.size(folder.resolve("serve.log")) - before;
      Attack.note("PASID Enable toggled", written / seconds / 1024 + " KiB/s of log");
      assertThat(written / seconds).isLessThan(64 * 1024);
      daemon.isWellAndEnds(2);
      assertThat(daemon.log()).contains("left out");
    }
  }

  private static int vpasid(DaemonProcess daemon) {
    Matcher found = Pattern.compile("f0.*vPASID at 0x([0-9a-f]+)").matcher(daemon.announcement());
    assertThat(found.find()).as(daemon.announcement()).isTrue();
    return Integer.parseInt(found.group(1), 16);
  }

  @Test
  void barsThatAreWrittenFullDoNotTakeTheHeap(@TempDir Path folder)
      throws IOException, InterruptedException {
    DaemonProcess.Setup small = DaemonProcess.Setup.of(8).java("-Xmx256m");
    List<Client> attackers = new ArrayList<>();
    try (DaemonProcess daemon = DaemonProcess.start(folder, small)) {
      Attack.on(
          daemon,
          "BARs of five guests written full",
          new int[] {5, 6, 7},
          () -> {
            for (int i = 0; i < 5; i++) {
              Client attacker = Client.agreed(daemon.socket(i));
              attackers.add(attacker);
              byte[] much = new byte[64 * 1024];
              java.util.Arrays.fill(much, (byte) 1);
              int errno = 0;
              for (long at = 0; at < 64 << 20 && errno == 0; at += much.length) {
                errno = attacker.ask(Client.REGION_WRITE, Client.written(2, at, much));
              }
              Attack.note("BARs of five guests written full", "guest " + i + ": errno " + errno);
            }
          });
      assertThat(daemon.log()).doesNotContain("OutOfMemory");
      daemon.isWellAndEnds(5);
    } finally {
      attackers.forEach(Client::close);
    }
  }
}
