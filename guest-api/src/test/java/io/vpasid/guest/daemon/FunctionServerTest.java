package io.vpasid.guest.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import io.vpasid.guest.config.DaemonConfigReader;
import io.vpasid.guest.config.Descriptions;
import io.vpasid.guest.config.FunctionConfig;
import io.vpasid.guest.config.SocketAccess;
import io.vpasid.guest.device.FunctionDevice;
import io.vpasid.guest.host.VfioBacking;
import io.vpasid.guest.vfiouser.VfioUserClient;
import io.vpasid.guest.vfiouser.VfioUserServer;
import io.vpasid.guest.vfiouser.VfioUserSockets;
import io.vpasid.pci.PciAddress;
import io.vpasid.pci.dump.HostFunction;
import io.vpasid.synth.HardwareInfo;
import io.vpasid.vmm.FunctionOptions;
import io.vpasid.vmm.PassthroughFunction;
import io.vpasid.vmm.iommufd.IommufdBackend;
import io.vpasid.vmm.iommufd.simulated.SimulatedDevice;
import io.vpasid.vmm.iommufd.simulated.SimulatedHost;
import io.vpasid.vmm.vfio.PciIndex;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// Functions that are passed through, of which one is in a reset that does not end.
@Timeout(60)
class FunctionServerTest {
  private static final PciAddress STUCK = new PciAddress(0, 0x6a, 1, 0);
  private static final PciAddress SOUND = new PciAddress(0, 0x6a, 2, 0);

  @TempDir private Path folder;
  private final CountDownLatch resetBegun = new CountDownLatch(1);
  private final CountDownLatch resetMayEnd = new CountDownLatch(1);
  private final HostFunction captured = Descriptions.withMsix().captured();
  private final SimulatedHost host =
      SimulatedHost.builder()
          .device(SimulatedDevice.ofCapture(captured).movedTo(STUCK).onReset(this::resetForLong))
          .device(SimulatedDevice.ofCapture(captured).movedTo(SOUND))
          .build();
  private final IommufdBackend iommufd = host.open();

  // One thread, so that whoever is on it would wait.
  private final VfioUserSockets shared = VfioUserSockets.open("test", 1);
  private FunctionServer stuck;
  private FunctionServer sound;

  private void resetForLong() {
    resetBegun.countDown();
    try {
      resetMayEnd.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @BeforeEach
  void serve() throws IOException {
    stuck = serve("stuck", STUCK);
    sound = serve("sound", SOUND);
  }

  private FunctionServer serve(String name, PciAddress address) throws IOException {
    PassthroughFunction function =
        PassthroughFunction.open(iommufd, address, FunctionOptions.defaults());
    return FunctionServer.open(
        config(name),
        new VfioBacking(
            captured, iommufd, function, iommufd.ioasAlloc(), new FunctionDevice(function)),
        VfioUserServer.Options.defaults(),
        shared,
        () -> {});
  }

  private FunctionConfig config(String name) {
    return DaemonConfigReader.readFunction(
        """
        { "name": "%s", "source": "0000:00:00.0", "passthrough": true, "socket": "%s" }\
        """
            .formatted(name, name),
        name,
        folder,
        HardwareInfo.NONE,
        SocketAccess.DEFAULT);
  }

  @AfterEach
  void end() {
    resetMayEnd.countDown();
    stuck.close();
    sound.close();
    shared.close();
    iommufd.close();
  }

  private VfioUserClient client(String name) throws IOException {
    return VfioUserClient.connect(folder.resolve(name), VfioUserClient.Options.defaults());
  }

  @Test
  void othersAreServedWhileAClientWaitsForAReset() throws Exception {
    try (var asking = Executors.newVirtualThreadPerTaskExecutor();
        VfioUserClient waiting = client("stuck");
        VfioUserClient neighbour = client("sound")) {
      var reset =
          asking.submit(() -> {
            waiting.reset();
            return true;
          });
      resetBegun.await();

      assertThat(neighbour.read(PciIndex.CONFIG_REGION, 0, 4).getInt())
          .isEqualTo(captured.config().u32(0));
      assertThat(reset.isDone()).isFalse();

      resetMayEnd.countDown();
      assertThat(reset.get()).isTrue();
    }
  }

  @Test
  void othersAreServedWhileTheDeviceOfAClientThatHasGoneIsReset() throws Exception {
    client("stuck").close();
    resetBegun.await();

    try (VfioUserClient neighbour = client("sound")) {
      neighbour.reset();

      assertThat(neighbour.read(PciIndex.CONFIG_REGION, 0, 4).getInt())
          .isEqualTo(captured.config().u32(0));
    }
  }

  @Test
  void whoWaitsForALongResetWaitsForABoundedTime() throws Exception {
    LongWork reset = LongWork.begin("reset", this::resetForLong);
    resetBegun.await();

    assertThat(reset.endsIn(Duration.ofMillis(1))).isFalse();
    assertThat(reset.isRunning()).isTrue();

    resetMayEnd.countDown();
    assertThat(reset.endsIn(Duration.ofSeconds(30))).isTrue();
    assertThat(reset.isRunning()).isFalse();
  }
}
