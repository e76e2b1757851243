package io.vpasid.it.realkernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.vpasid.guest.cli.Main;
import io.vpasid.guest.control.ControlClient;
import io.vpasid.guest.control.ControlException;
import io.vpasid.guest.vfiouser.VfioUserClient;
import io.vpasid.guest.vfiouser.VfioUserException;
import io.vpasid.pci.Header;
import io.vpasid.pci.PciAddress;
import io.vpasid.vmm.vfio.PciIndex;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.io.TempDir;

/// `vpasid serve` passes functions of this machine through to vfio-user clients.
@InRealKernel
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class PassedThroughDaemonTest {
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  /// Where the function has its own PASID capability, and so its vPASID.
  private static final int PASID_CAPABILITY = 0x160;

  private static final int PASID_CONTROL = PASID_CAPABILITY + 6;
  private static final byte BUS_MASTER = 1 << 2;

  private static final IommuTables TABLES = new IommuTables(new PciAddress(0, 0, 4, 0));

  @TempDir private static Path folder;

  /// Serve all tests, because their start takes long here. One has the function with PASIDs, and is
  /// killed by the last test; the other ends as it should.
  private static final Map<String, Process> DAEMONS = new LinkedHashMap<>();

  private static String announcement = "";
  private ControlClient control;

  @BeforeAll
  static void serve() throws IOException {
    DAEMONS.put("first", start("first", "0000:00:04.0"));
    DAEMONS.put("second", start("second", "00:05.0"));
    for (Process daemon : DAEMONS.values()) {
      announcement += announcementOf(daemon);
    }
  }

  private static Process start(String name, String source) throws IOException {
    Path configuration =
        Files.writeString(
            folder.resolve(name + ".json"),
            """
            { "format": 1,
              "control": { "socket": "%1$s-control.sock" },
              "functions": [
                { "name": "%1$s", "source": "%2$s", "passthrough": true, "socket": "%1$s.sock" } ],
              "addressSpaces": [ { "name": "empty" }, { "name": "guest", "guestMemory": true } ] }
            """
                .formatted(name, source));
    return new ProcessBuilder(
            GuestJava.current().command(List.of(), Main.class, "serve", configuration.toString()))
        .redirectError(ProcessBuilder.Redirect.INHERIT)
        .start();
  }

  private static String announcementOf(Process daemon) throws IOException {
    StringBuilder said = new StringBuilder();
    BufferedReader lines = daemon.inputReader(StandardCharsets.UTF_8);
    while (said.indexOf("end with Ctrl-C") < 0) {
      String line = lines.readLine();
      assertThat(line).as("the daemon ended after: %s", said).isNotNull();
      said.append(line).append('\n');
    }
    return said.toString();
  }

  @BeforeEach
  void connect() throws IOException {
    control = ControlClient.connect(folder.resolve("first-control.sock"), PATIENCE);
  }

  @AfterEach
  void leaveNothing() {
    control.close();
    await().atMost(PATIENCE).untilAsserted(() -> assertThat(TABLES.pasids()).isEmpty());
  }

  @AfterAll
  static void end() throws InterruptedException {
    for (Process daemon : DAEMONS.values()) {
      if (daemon.isAlive()) {
        daemon.destroy();
        assertThat(daemon.waitFor()).isZero();
      }
    }
  }

  private VfioUserClient connect(String socket) throws IOException {
    return VfioUserClient.connect(
        folder.resolve(socket), VfioUserClient.Options.defaults().withTimeout(PATIENCE));
  }

  private static int read(VfioUserClient client, int offset) throws IOException {
    return client.read(PciIndex.CONFIG_REGION, offset, 4).order(ByteOrder.LITTLE_ENDIAN).getInt();
  }

  private static void enable(VfioUserClient client) throws IOException {
    client.write(PciIndex.CONFIG_REGION, PASID_CONTROL, ByteBuffer.wrap(new byte[] {1, 0}));
  }

  private void attach(String space) throws IOException {
    control.execute("pasid-attach", Map.of("function", "first", "pasid", "5", "space", space));
  }

  @Test
  void guestSeesTheDeviceAndItsVpasid() throws IOException {
    assertThat(announcement)
        .contains("first: 0000:00:04.0 f00d:0003", "vPASID at 0x160")
        .contains("second: 0000:00:05.0 f00d:0004", "no vPASID");
    try (VfioUserClient first = connect("first.sock");
        VfioUserClient second = connect("second.sock")) {
      assertThat(read(first, 0)).isEqualTo(0x0003_f00d);
      assertThat(read(first, PASID_CAPABILITY) & 0xfffff).isEqualTo(0x1001b);
      assertThat(read(second, 0)).isEqualTo(0x0004_f00d);
    }
  }

  @Test
  void attachmentsAreInTheTablesOfTheIommu() throws IOException {
    try (VfioUserClient guest = connect("first.sock")) {
      assertThatThrownBy(() -> attach("empty"))
          .isInstanceOf(ControlException.class)
          .hasMessageContaining("has not enabled PASIDs");
      enable(guest);

      attach("empty");
      assertThat(TABLES.pasids()).containsExactly(5);
      attach("guest");
      assertThat(TABLES.pasids()).containsExactly(5);
      control.execute("pasid-detach", Map.of("function", "first", "pasid", "5"));
      assertThat(TABLES.pasids()).isEmpty();

      attach("guest");
    }
    await().atMost(PATIENCE).untilAsserted(() -> assertThat(TABLES.pasids()).isEmpty());
  }

  @Test
  void registersOfOneClientAreAsBeforeForTheNext() throws IOException {
    Map<Integer, Integer> found;
    try (VfioUserClient guest = connect("first.sock")) {
      found = registers(guest);
      assertThat(read(guest, Header.COMMAND) & BUS_MASTER).isZero();
      guest.write(
          PciIndex.CONFIG_REGION, Header.COMMAND, ByteBuffer.wrap(new byte[] {BUS_MASTER, 4}));
      guest.write(PciIndex.CONFIG_REGION, Header.INTERRUPT_LINE, ByteBuffer.wrap(new byte[] {11}));
      assertThat(read(guest, Header.COMMAND) & BUS_MASTER).isEqualTo(BUS_MASTER);
      assertThat(read(guest, Header.INTERRUPT_LINE) & 0xff).isEqualTo(11);
    }
    await()
        .atMost(PATIENCE)
        .ignoreExceptionsInstanceOf(IOException.class)
        .untilAsserted(() -> {
          try (VfioUserClient next = connect("first.sock")) {
            assertThat(registers(next)).isEqualTo(found);
          }
        });
  }

  /// What a guest can write of the header.
  private static Map<Integer, Integer> registers(VfioUserClient client) throws IOException {
    Map<Integer, Integer> registers = new TreeMap<>();
    for (int offset : List.of(Header.COMMAND, Header.INTERRUPT_LINE)) {
      registers.put(offset, read(client, offset));
    }
    return registers;
  }

  @Test
  @Order(Integer.MAX_VALUE)
  void killedDaemonLeavesNothingInTheTables() throws Exception {
    try (VfioUserClient guest = connect("first.sock")) {
      enable(guest);
      attach("empty");
      assertThat(TABLES.pasids()).containsExactly(5);

      Process killed = Objects.requireNonNull(DAEMONS.get("first"));
      killed.destroyForcibly();
      assertThat(killed.waitFor()).isEqualTo(128 + 9);
    }
  }

  @Test
  void memoryThatHardwareCannotReachIsRefused() throws IOException {
    try (VfioUserClient guest = connect("first.sock")) {
      assertThatThrownBy(() -> guest.mapDma(0x10000, ByteBuffer.allocate(0x1000)))
          .isInstanceOf(VfioUserException.class)
          .hasMessageContaining("EOPNOTSUPP");
      assertThat(read(guest, 0)).as("the client is served still").isEqualTo(0x0003_f00d);
    }
  }
}
