package io.vpasid.it.realkernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.awaitility.Awaitility.await;

import io.vpasid.guest.control.ControlClient;
import io.vpasid.it.isolation.DaemonProcess;
import io.vpasid.testing.Need;
import io.vpasid.testing.Needs;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/// What a real QEMU has of its function when the daemon was killed and is started again: the rows
/// of `docs/daemon.md`, "When it is killed and starts again". The guest's accesses are the test's.
@Tag(InRealKernel.TAG)
@Needs(Need.REAL_KERNEL)
@Timeout(180)
class QemuReconnectTest {
  private static final int FUNCTION = 4;
  private static final int PORT = 5;

  /// The first function behind the port, whose bus is made number 1.
  private static final int BEHIND_PORT = 32;

  private static final int BUS_NUMBERS = 0x18;
  private static final int ID = 0x0001_f00d;
  private static final int NOTHING_THERE = 0xffff_ffff;

  private static final int EXPRESS_CAPABILITY = 0x10;
  private static final int SLOT_CONTROL = 0x18;

  /// Power indicator on, power on.
  private static final int POWERED = 0x0100;

  /// Power indicator off, power off: the guest lets the function go.
  private static final int UNPOWERED = 0x0700;

  private static final Duration PATIENCE = Duration.ofMinutes(1);

  private static MachineParts parts =
      new MachineParts(Path.of(""), Path.of(""), Path.of(""), Path.of(""), Path.of(""));

  @TempDir private Path folder;

  @BeforeAll
  static void prepare() {
    parts = MachineParts.prepare();
  }

  private DaemonProcess serve() throws IOException {
    return DaemonProcess.start(folder, DaemonProcess.Setup.of(2));
  }

  private Qtest machine(DaemonProcess daemon) throws IOException {
    return Qtest.start(
        parts,
        new GuestMachine.Function("04.0", daemon.socket(0)),
        true,
        folder.resolve("qemu.log"),
        "-qmp",
        "unix:" + folder.resolve("qmp.sock") + ",server=on,wait=off",
        "-global",
        "ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off",
        "-device",
        "pcie-root-port,id=root,chassis=1,addr=05.0");
  }

  @Test
  void guestFindsNoFunctionAnyMoreAndStartingTheDaemonAgainIsNotEnough() throws IOException {
    DaemonProcess killed = serve();
    try (Qtest machine = machine(killed)) {
      assertThat(machine.readConfig(FUNCTION, 0)).isEqualTo(ID);

      killed.close();
      assertThat(machine.readConfig(FUNCTION, 0)).isEqualTo(NOTHING_THERE);

      try (DaemonProcess _ = serve()) {
        assertThat(machine.readConfig(FUNCTION, 0)).isEqualTo(NOTHING_THERE);
      }
    }
  }

  @Test
  void functionIsThereAgainWhereItIsPluggedInAnew() throws IOException {
    DaemonProcess killed = serve();
    try (Qtest machine = machine(killed);
        ControlClient qemu = monitor(machine)) {
      killed.close();

      try (DaemonProcess again = serve()) {
        plug(machine, qemu, again);
        assertThat(machine.readConfig(BEHIND_PORT, 0)).isEqualTo(ID);
        assertThat(machine.readConfig(FUNCTION, 0)).as("the old one").isEqualTo(NOTHING_THERE);
      }
    }
  }

  /// QEMU 11.1 fails an assertion of its own, `memory_region_del_subregion`.
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void qemuItselfEndsWhenAFunctionIsUnplugged(boolean isKilled) throws IOException {
    DaemonProcess daemon = serve();
    try (Qtest machine = machine(daemon);
        ControlClient qemu = monitor(machine)) {
      int slot = plug(machine, qemu, daemon);
      assertThat(machine.readConfig(BEHIND_PORT, 0)).isEqualTo(ID);
      if (isKilled) {
        daemon.close();
      }

      qemu.execute("device_del", Map.of("id", "again"));
      var _ =
          catchThrowable(() -> machine.writeConfig(PORT, slot, UNPOWERED)); // may end it at once
      await()
          .atMost(PATIENCE)
          .untilAsserted(
              () -> assertThatThrownBy(() -> machine.readConfig(FUNCTION, 0)).isNotNull());
      assertThat(folder.resolve("qemu.log")).content().contains("memory_region_del_subregion");
    } finally {
      daemon.close();
    }
  }

  /// QEMU's own control socket, which is there as soon as its machine is.
  private ControlClient monitor(Qtest machine) throws IOException {
    assertThat(machine.readConfig(FUNCTION, 0)).isEqualTo(ID);
    return ControlClient.connect(folder.resolve("qmp.sock"), PATIENCE);
  }

  /// Plugs the second function in, and has the guest switch its slot on.
  ///
  /// @return the slot's control register
  private static int plug(Qtest machine, ControlClient qemu, DaemonProcess daemon)
      throws IOException {
    int slot = capability(machine, PORT, EXPRESS_CAPABILITY) + SLOT_CONTROL;
    machine.writeConfig(PORT, BUS_NUMBERS, 0x0100);
    machine.writeConfig(PORT, BUS_NUMBERS + 2, 0x0001);
    ObjectNode device = JsonNodeFactory.instance.objectNode();
    device.put("driver", "vfio-user-pci").put("id", "again").put("bus", "root");
    device.putObject("socket").put("type", "unix").put("path", daemon.socket(1).toString());
    qemu.execute("device_add", device);
    machine.writeConfig(PORT, slot, POWERED);
    return slot;
  }

  /// The offset of a capability in the standard list.
  private static int capability(Qtest machine, int device, int id) throws IOException {
    int at = machine.readConfig(device, 0x34) & 0xff;
    while (at != 0 && (machine.readConfig(device, at) & 0xff) != id) {
      at = machine.readConfig(device, at) >> 8 & 0xff;
    }
    return at;
  }
}
