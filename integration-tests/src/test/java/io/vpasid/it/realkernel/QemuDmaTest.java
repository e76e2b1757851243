package io.vpasid.it.realkernel;

import static org.assertj.core.api.Assertions.assertThat;

import io.vpasid.guest.vfiouser.Outcome;
import io.vpasid.guest.vfiouser.VfioUserDevice;
import io.vpasid.guest.vfiouser.VfioUserPeer;
import io.vpasid.guest.vfiouser.VfioUserServer;
import io.vpasid.testing.Need;
import io.vpasid.testing.Needs;
import io.vpasid.vmm.linux.Errno;
import io.vpasid.vmm.vfio.Irq;
import io.vpasid.vmm.vfio.Region;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// DMA of a served function into the memory of a real QEMU, which says itself what is in its
/// memory. If it does not share the memory, every byte goes by DMA_READ and DMA_WRITE.
@Tag(InRealKernel.TAG)
@Needs(Need.REAL_KERNEL)
class QemuDmaTest {
  private static final int DEVICE = 4;
  private static final int COMMAND = 4;
  private static final int MEMORY_AND_BUS_MASTER = 6;
  private static final long ADDRESS = 0x200_0000;
  private static final int MEMORY_END = 64 << 20;

  @TempDir private Path folder;

  /// A function of which only its client is of interest.
  private static final class MasterOfDma implements VfioUserDevice {
    private final PhysicalFunction function =
        new PhysicalFunction(Accelerators.withPasid().config());
    private final CompletableFuture<VfioUserPeer> client = new CompletableFuture<>();

    VfioUserPeer client() {
      return client.orTimeout(60, TimeUnit.SECONDS).join();
    }

    @Override
    public void connected(VfioUserPeer peer) {
      client.complete(peer);
    }

    @Override
    public List<Region> regions() {
      return function.regions();
    }

    @Override
    public List<Irq> irqs() {
      return function.irqs();
    }

    @Override
    public boolean isResettable() {
      return true;
    }

    @Override
    public Outcome read(int region, long offset, ByteBuffer destination) {
      return function.read(region, offset, destination);
    }

    @Override
    public Outcome write(int region, long offset, ByteBuffer source) {
      return function.write(region, offset, source);
    }

    @Override
    public Outcome reset() {
      return function.reset();
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void whatAFunctionWritesIsInTheMachinesMemoryAndWhatIsThereItReads(boolean isShared)
      throws IOException {
    MasterOfDma function = new MasterOfDma();
    Path socket = folder.resolve("dma.sock");
    try (var server = VfioUserServer.open(socket, function, VfioUserServer.Options.defaults());
        Qtest machine =
            Qtest.start(
                MachineParts.prepare(),
                new GuestMachine.Function("04.0", server.path()),
                isShared,
                folder.resolve("qemu.log"))) {
      machine.writeConfig(DEVICE, COMMAND, MEMORY_AND_BUS_MASTER);
      VfioUserPeer client = function.client();
      byte[] written = bytes(500, 3);
      byte[] there = bytes(300, 7);

      assertThat(client.writeDma(ADDRESS + 1, ByteBuffer.wrap(written)).join())
          .isEqualTo(Outcome.done());
      assertThat(machine.readMemory(ADDRESS, 502))
          .isEqualTo(ByteBuffer.allocate(502).put(1, written).array());

      machine.writeMemory(ADDRESS + 0x10000, there);
      ByteBuffer read = ByteBuffer.allocate(300);
      assertThat(client.readDma(ADDRESS + 0x10000, read).join()).isEqualTo(Outcome.done());
      assertThat(read.array()).isEqualTo(there);

      assertThat(client.readDma(MEMORY_END, ByteBuffer.allocate(4)).join())
          .isInstanceOfSatisfying(
              Outcome.Failed.class, refused -> assertThat(refused.errno()).isEqualTo(Errno.EFAULT));
    }
  }

  /// Bytes of which no 8 in a row are all 0.
  private static byte[] bytes(int length, int step) {
    byte[] bytes = new byte[length];
    for (int i = 0; i < length; i++) {
      bytes[i] = (byte) (i * step + 1);
    }
    return bytes;
  }
}
