package io.vpasid.guest.vfiouser;

import static org.assertj.core.api.Assertions.assertThat;

import io.vpasid.guest.socket.SocketKind;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// The requests of QEMU 11.1's `vfio-user-pci`, byte by byte over a JDK socket, in the order in
/// which it starts a device.
class QemuSequenceTest {
  private static final byte[] NOTHING = {};

  static Stream<SocketKind> kinds() {
    return Stream.of(SocketKind.values()).filter(SocketKind::available);
  }

  @ParameterizedTest
  @MethodSource("kinds")
  void qemuGetsThroughItsStartAndItsEnd(SocketKind kind, @TempDir Path directory)
      throws IOException {
    Path path = directory.resolve("qemu.sock");
    MemoryDevice device = new MemoryDevice();
    int descriptors = kind.carriesDescriptors() ? 16 : 0;

    try (var sockets = VfioUserSockets.open(kind, "test", 1);
        var _ = sockets.serve(path, device, VfioUserServer.Options.defaults());
        SocketChannel qemu = SocketChannel.open(StandardProtocolFamily.UNIX)) {
      qemu.connect(UnixDomainSocketAddress.of(path));

      assertThat(ask(qemu, 0, Wire.VERSION, Wire.version(0, 0, Wire.QEMU_CAPABILITIES)))
          .isEqualTo(
              Wire.reply(
                  0,
                  Wire.VERSION,
                  Wire.version(
                      0,
                      0,
                      "{\"capabilities\":{\"max_msg_fds\":"
                          + descriptors
                          + ",\"max_data_xfer_size\":1048576,\"max_dma_maps\":65535,"
                          + "\"pgsizes\":4096,\"write_multiple\":true}}")));

      // Guest memory: below 4 GiB, then above, then a part of it goes and comes back read-only.
      assertThat(ask(qemu, 1, Wire.DMA_MAP, Wire.dmaMap(32, 3, 0, 0, 0xa0000)))
          .isEqualTo(Wire.reply(1, Wire.DMA_MAP, NOTHING));
      assertThat(ask(qemu, 2, Wire.DMA_MAP, Wire.dmaMap(32, 3, 0xa0000, 0xa0000, 0x60000)))
          .isEqualTo(Wire.reply(2, Wire.DMA_MAP, NOTHING));
      byte[] unmap = Wire.dmaUnmap(24, 0, 0xa0000, 0x60000);
      assertThat(ask(qemu, 3, Wire.DMA_UNMAP, unmap))
          .isEqualTo(Wire.reply(3, Wire.DMA_UNMAP, unmap));
      assertThat(ask(qemu, 4, Wire.DMA_MAP, Wire.dmaMap(32, 1, 0xa0000, 0xa0000, 0x60000)))
          .isEqualTo(Wire.reply(4, Wire.DMA_MAP, NOTHING));

      assertThat(ask(qemu, 5, Wire.GET_INFO, Wire.ints(16, 0, 0, 0)))
          .isEqualTo(Wire.reply(5, Wire.GET_INFO, Wire.ints(16, 0b11, 9, 5)));
      long[] sizes = {65536, 256, 256, 0, 0, 0, 0, 4096};
      int[] flags = {3, 1, 2, 0, 0, 0, 0, 3};
      for (int region = 0; region < sizes.length; region++) {
        assertThat(ask(qemu, 6, Wire.GET_REGION_INFO, Wire.regionInfo(32, 0, region, 0)))
            .isEqualTo(
                Wire.reply(
                    6,
                    Wire.GET_REGION_INFO,
                    Wire.regionInfo(32, flags[region], region, sizes[region])));
      }
      assertThat(ask(qemu, 7, Wire.GET_IRQ_INFO, Wire.ints(16, 0, 3, 0)))
          .isEqualTo(Wire.reply(7, Wire.GET_IRQ_INFO, Wire.ints(16, 0, 3, 0)));
      assertThat(ask(qemu, 8, Wire.REGION_READ, Wire.access(0, 7, 4096)))
          .isEqualTo(Wire.reply(8, Wire.REGION_READ, Wire.access(0, 7, 4096, device.bytes(7))));

      assertThat(ask(qemu, 9, Wire.SET_IRQS, Wire.ints(20, 0b100001, 2, 0, 0)))
          .isEqualTo(Wire.reply(9, Wire.SET_IRQS, NOTHING));
      assertThat(ask(qemu, 10, Wire.RESET, NOTHING)).isEqualTo(Wire.reply(10, Wire.RESET, NOTHING));
      // A posted write, and a read that must see it.
      Wire.send(
          qemu,
          Wire.message(
              11, Wire.REGION_WRITE, Wire.NO_REPLY, 0, Wire.access(4, 7, 2, (byte) 6, (byte) 5)));
      assertThat(ask(qemu, 12, Wire.REGION_READ, Wire.access(4, 7, 2)))
          .isEqualTo(Wire.reply(12, Wire.REGION_READ, Wire.access(4, 7, 2, (byte) 6, (byte) 5)));
      byte[] all = Wire.dmaUnmap(24, 2, 0, 0);
      assertThat(ask(qemu, 13, Wire.DMA_UNMAP, all)).isEqualTo(Wire.reply(13, Wire.DMA_UNMAP, all));
    }
    assertThat(device.calls())
        .containsExactly(
            "connected", "read 7 0 4096", "reset", "write 7 4 2", "read 7 4 2", "disconnected");
  }

  private static byte[] ask(SocketChannel channel, int id, int command, byte[] payload)
      throws IOException {
    Wire.send(channel, Wire.request(id, command, payload));
    return Wire.receive(channel);
  }
}
