package io.vpasid.it.isolation;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
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

  @Test
  void aFloodOfEventsTakesNoneOfANeighboursFromWhoeverReadsSlowly(@TempDir Path folder)
      throws IOException {
    try (DaemonProcess daemon = DaemonProcess.start(folder, DaemonProcess.Setup.of(3));
        Client attacker = Client.agreed(daemon.socket(0));
        Client neighbour = Client.agreed(daemon.socket(1));
        Listener listener = new Listener(daemon.control())) {
      int control = vpasid(daemon) + PASID_CONTROL;
      byte[] on = Client.written(Client.CONFIG, control, new byte[] {1, 0});
      byte[] off = Client.written(Client.CONFIG, control, new byte[] {0, 0});
      for (int i = 0; i < 100; i++) {
        for (int j = 0; j < 200; j++) {
          attacker.tell(Client.REGION_WRITE, on);
          attacker.tell(Client.REGION_WRITE, off);
        }
        attacker.readConfig();
        neighbour.succeed(Client.REGION_WRITE, on);
        neighbour.succeed(Client.REGION_WRITE, off);
      }

      List<String> told = listener.untilAnswer();

      List<String> neighbours = told.stream().filter(line -> line.contains("\"f1\"")).toList();
      assertThat(neighbours).hasSize(200);
      for (int i = 0; i < 200; i++) {
        assertThat(neighbours.get(i)).contains(i % 2 == 0 ? "PASID_ENABLED" : "PASID_DISABLED");
      }
      assertThat(told).anyMatch(line -> line.contains("EVENTS_LOST") && line.contains("\"f0\""));
      Attack.note(
          "a flood of 40,000 events",
          told.stream().filter(line -> line.contains("\"f0\"")).count() + " were kept");
      daemon.isWellAndEnds(2);
    }
  }

  /// A control client that does not read until it asks something.
  private static final class Listener implements AutoCloseable {
    private final SocketChannel channel;
    private final BufferedReader in;

    Listener(Path control) throws IOException {
      channel = SocketChannel.open(UnixDomainSocketAddress.of(control));
      in = new BufferedReader(Channels.newReader(channel, StandardCharsets.UTF_8));
      in.readLine();
      send("{\"execute\":\"qmp_capabilities\"}");
      in.readLine();
    }

    private void send(String line) throws IOException {
      channel.write(ByteBuffer.wrap(line.getBytes(StandardCharsets.UTF_8)));
    }

    List<String> untilAnswer() throws IOException {
      send("{\"execute\":\"query-version\"}");
      List<String> told = new ArrayList<>();
      for (String line = in.readLine(); !line.contains("\"return\""); line = in.readLine()) {
        told.add(line);
      }
      return told;
    }

    @Override
    public void close() throws IOException {
      channel.close();
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
