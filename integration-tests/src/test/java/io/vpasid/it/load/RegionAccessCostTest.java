package io.vpasid.it.load;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.sun.management.ThreadMXBean;
import io.vpasid.guest.config.FunctionDescription;
import io.vpasid.guest.device.FunctionDevice;
import io.vpasid.guest.host.EmulatedHardware;
import io.vpasid.guest.vfiouser.VfioUserServer;
import io.vpasid.synth.HardwareInfo;
import io.vpasid.vmm.FunctionOptions;
import io.vpasid.vmm.PassthroughFunction;
import io.vpasid.vmm.iommufd.IommufdBackend;
import io.vpasid.vmm.iommufd.simulated.SimulatedHost;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// What an access to a register costs a server, by counts and ratios with wide margins: nothing
/// here depends on how fast a machine is, or how busy.
class RegionAccessCostTest {
  private static final int WARM_UP = 30_000;
  private static final int ROUND_TRIPS = 10_000;
  private static final int MOST_ROUNDS = 50;
  private static final int WINDOW = 64;

  @TempDir Path folder;

  private IommufdBackend iommufd;
  private PassthroughFunction function;
  private VfioUserServer server;

  @BeforeEach
  void serve() throws IOException {
    var captured = ServedFunctions.demoFunction();
    EmulatedHardware hardware =
        EmulatedHardware.of(FunctionDescription.of(captured).movedTo(captured.address()), false);
    iommufd =
        SimulatedHost.builder()
            .device(hardware.device(HardwareInfo.parse("width=20,priv")))
            .build()
            .open();
    function = PassthroughFunction.open(iommufd, captured.address(), FunctionOptions.defaults());
    server =
        VfioUserServer.open(
            folder.resolve("s"),
            new FunctionDevice(function, hardware),
            VfioUserServer.Options.defaults());
  }

  @AfterEach
  void close() {
    server.close();
    function.close();
    iommufd.close();
  }

  @Test
  void aReadOfARegisterAllocatesNothing() throws IOException {
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    long loop = loopThread();
    try (RawClient client = new RawClient(server.path(), 1)) {
      long least = Long.MAX_VALUE;
      // What is not compiled yet allocates; when it will be is the machine's affair.
      for (int round = 0; round < MOST_ROUNDS && least >= ROUND_TRIPS; round++) {
        long before = threads.getThreadAllocatedBytes(loop);
        roundTrips(client, ROUND_TRIPS);
        least = Math.min(least, threads.getThreadAllocatedBytes(loop) - before);
      }

      // The loop itself may do some housekeeping meanwhile; one object a read would be 160,000.
      assertThat(least).isLessThan(ROUND_TRIPS);
    }
  }

  @Test
  void manyReadsUnderWayAreAnsweredTogether() throws IOException {
    long alone;
    try (RawClient one = new RawClient(server.path(), 1)) {
      roundTrips(one, WARM_UP);
      alone = time(() -> roundTrips(one, ROUND_TRIPS));
    }
    await().until(() -> !server.hasClient());
    try (RawClient many = new RawClient(server.path(), WINDOW)) {
      pipelined(many, WARM_UP);

      long together = time(() -> pipelined(many, ROUND_TRIPS));

      // Ten times and more on a machine that is idle.
      assertThat(together).isLessThan(alone / 2);
    }
  }

  private static long loopThread() {
    return Thread.getAllStackTraces().keySet().stream()
        .filter(thread -> thread.getName().startsWith("vfio-user-server"))
        .findFirst()
        .orElseThrow()
        .threadId();
  }

  private interface Exchange {
    void run() throws IOException;
  }

  private static long time(Exchange exchange) throws IOException {
    long start = System.nanoTime();
    exchange.run();
    return System.nanoTime() - start;
  }

  private static void roundTrips(RawClient client, int count) throws IOException {
    for (int i = 0; i < count; i++) {
      client.send();
      client.receive();
    }
  }

  private static void pipelined(RawClient client, int count) throws IOException {
    for (int i = 0; i < WINDOW; i++) {
      client.send();
    }
    int left = count;
    int underWay = WINDOW;
    while (underWay > 0) {
      int came = client.receive();
      int more = Math.min(came, left);
      client.send(more);
      left -= more;
      underWay += more - came;
    }
  }
}
