package io.vpasid.guest.vfiouser;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.vpasid.vmm.linux.Errno;
import io.vpasid.vmm.vfio.DeviceInfo;
import io.vpasid.vmm.vfio.Irq;
import io.vpasid.vmm.vfio.Region;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// A client against servers that play by the book, and by no book, byte by byte.
class VfioUserClientTest {
  private static final VfioUserClient.Options OPTIONS =
      VfioUserClient.Options.defaults().withTimeout(Duration.ofSeconds(20));
  private static final byte[] VERSION = Wire.version(0, 0, "{\"capabilities\":{}}");

  private final VfioUserSockets sockets = VfioUserSockets.open("test", 1);
  private final CountDownLatch finished = new CountDownLatch(1);
  private Path path = Path.of("");

  @BeforeEach
  void choosePath(@TempDir Path directory) {
    path = directory.resolve("s");
  }

  @AfterEach
  void close() {
    finished.countDown();
    sockets.close();
  }

  /// What a server does with a connection, after which it stays open to the end of the test.
  @FunctionalInterface
  private interface Script {
    void play(SocketChannel channel) throws IOException;
  }

  private void server(Script script) throws IOException {
    ServerSocketChannel listening = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
    listening.bind(UnixDomainSocketAddress.of(path));
    Thread.ofVirtual().start(() -> play(listening, script));
  }

  private void play(ServerSocketChannel listening, Script script) {
    try (listening;
        SocketChannel channel = listening.accept()) {
      script.play(channel);
      finished.await();
    } catch (IOException | InterruptedException e) {
      // The client has gone before the script was over; the test sees what the client saw.
      Thread.currentThread().interrupt();
    }
  }

  /// Answers the client's VERSION, then goes on.
  private static Script afterVersion(Script script) {
    return channel -> {
      byte[] request = Wire.receive(channel);
      Wire.send(channel, Wire.reply(id(request), Wire.VERSION, VERSION));
      script.play(channel);
    };
  }

  private static int id(byte[] request) {
    return (request[0] & 0xff) | (request[1] & 0xff) << 8;
  }

  @Test
  void theFirstMessageProposesVersion00WithEverythingTheClientCanDo() throws Exception {
    CompletableFuture<byte[]> first = new CompletableFuture<>();
    server(channel -> {
      byte[] request = Wire.receive(channel);
      Wire.send(channel, Wire.reply(id(request), Wire.VERSION, VERSION));
      first.complete(request);
    });

    try (var client = sockets.connect(path, OPTIONS)) {
      assertThat(client.maxDataTransfer()).isEqualTo(1 << 20);
      int descriptors = sockets.carriesDescriptors() ? 1 : 0;
      assertThat(first.join())
          .isEqualTo(
              Wire.request(
                  id(first.join()),
                  Wire.VERSION,
                  Wire.version(
                      0,
                      0,
                      "{\"capabilities\":{\"max_msg_fds\":"
                          + descriptors
                          + ",\"max_data_xfer_size\":1048576,\"max_dma_maps\":65535,"
                          + "\"pgsizes\":4096,\"write_multiple\":true}}")));
    }
  }

  @Test
  void theRequestsAreAsTheSpecificationHasThem() throws Exception {
    CompletableFuture<byte[]> requests = new CompletableFuture<>();
    server(
        afterVersion(channel -> {
          byte[] info = Wire.receive(channel);
          Wire.send(channel, Wire.reply(id(info), 4, Wire.ints(16, 0b11, 9, 5)));
          byte[] region = Wire.receive(channel);
          Wire.send(channel, Wire.reply(id(region), 5, Wire.regionInfo(32, 3, 7, 4096)));
          byte[] irq = Wire.receive(channel);
          Wire.send(channel, Wire.reply(id(irq), 7, Wire.ints(16, 9, 2, 8)));
          byte[] read = Wire.receive(channel);
          Wire.send(channel, Wire.reply(id(read), 9, Wire.access(8, 7, 2, (byte) 1, (byte) 2)));
          byte[] write = Wire.receive(channel);
          Wire.send(channel, Wire.reply(id(write), 10, Wire.access(8, 7, 1)));
          byte[] reset = Wire.receive(channel);
          Wire.send(channel, Wire.reply(id(reset), 13, new byte[0]));
          byte[] map = Wire.receive(channel);
          Wire.send(channel, Wire.reply(id(map), 2, new byte[0]));
          byte[] unmap = Wire.receive(channel);
          Wire.send(channel, Wire.reply(id(unmap), 3, Wire.dmaUnmap(24, 0, 4096, 8192)));
          byte[] post = Wire.receive(channel);
          requests.complete(Wire.concat(info, region, irq, read, write, reset, map, unmap, post));
        }));

    try (var client = sockets.connect(path, OPTIONS)) {
      assertThat(client.deviceInfo()).isEqualTo(new DeviceInfo(true, true, 9, 5));
      assertThat(client.regionInfo(7)).isEqualTo(new Region(4096, 3));
      assertThat(client.irqInfo(2)).isEqualTo(new Irq(8, Irq.EVENTFD | Irq.NORESIZE));
      assertThat(client.read(7, 8, 2).getShort()).isEqualTo((short) 0x0201);
      client.write(7, 8, ByteBuffer.wrap(new byte[] {5}));
      client.reset();
      client.mapDma(4096, 8192);
      client.unmapDma(4096, 8192);
      client.post(7, 1, ByteBuffer.wrap(new byte[] {6}));
      assertThat(requests.join())
          .isEqualTo(
              Wire.concat(
                  Wire.request(2, 4, Wire.ints(16, 0, 0, 0)),
                  Wire.request(3, 5, Wire.regionInfo(32, 0, 7, 0)),
                  Wire.request(4, 7, Wire.ints(16, 0, 2, 0)),
                  Wire.request(5, 9, Wire.access(8, 7, 2)),
                  Wire.request(6, 10, Wire.access(8, 7, 1, (byte) 5)),
                  Wire.request(7, 13, new byte[0]),
                  Wire.request(8, 2, Wire.dmaMap(32, 3, 0, 4096, 8192)),
                  Wire.request(9, 3, Wire.dmaUnmap(24, 0, 4096, 8192)),
                  Wire.message(0, 10, Wire.NO_REPLY, 0, Wire.access(1, 7, 1, (byte) 6))));
    }
  }

  @Test
  void repliesInAnotherOrderFindTheirRequests() throws Exception {
    server(
        afterVersion(channel -> {
          byte[] first = Wire.receive(channel);
          byte[] second = Wire.receive(channel);
          Wire.send(channel, Wire.reply(id(second), 9, Wire.access(1, 7, 1, (byte) 'b')));
          Wire.send(channel, Wire.reply(id(first), 9, Wire.access(0, 7, 1, (byte) 'a')));
        }));

    try (var client = sockets.connect(path, OPTIONS)) {
      CompletableFuture<ByteBuffer> first = client.readAsync(7, 0, 1);
      CompletableFuture<ByteBuffer> second = client.readAsync(7, 1, 1);

      assertThat(first.join().get()).isEqualTo((byte) 'a');
      assertThat(second.join().get()).isEqualTo((byte) 'b');
    }
  }

  @Test
  void theServersLimitOfATransferIsObserved() throws Exception {
    server(channel -> {
      byte[] request = Wire.receive(channel);
      String json = "{\"capabilities\":{\"max_data_xfer_size\":512}}";
      Wire.send(channel, Wire.reply(id(request), Wire.VERSION, Wire.version(0, 0, json)));
    });

    try (var client = sockets.connect(path, OPTIONS)) {
      assertThat(client.maxDataTransfer()).isEqualTo(512);
      assertThatThrownBy(() -> client.read(7, 0, 513)).isInstanceOf(IllegalArgumentException.class);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0x0001_0000, 0x0000_0001})
  void aServerOfAnotherVersionIsNotUsed(int minorAndMajor) throws Exception {
    server(channel -> {
      byte[] request = Wire.receive(channel);
      byte[] version =
          Wire.version(minorAndMajor & 0xffff, minorAndMajor >>> 16, "{\"capabilities\":{}}");
      Wire.send(channel, Wire.reply(id(request), Wire.VERSION, version));
    });

    assertThatThrownBy(() -> sockets.connect(path, OPTIONS))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("The server speaks version");
  }

  @Test
  void aServerWhoseCapabilitiesAreNoJsonIsNotUsed() throws Exception {
    server(channel -> {
      byte[] request = Wire.receive(channel);
      Wire.send(channel, Wire.reply(id(request), Wire.VERSION, Wire.version(0, 0, "{")));
    });

    assertThatThrownBy(() -> sockets.connect(path, OPTIONS))
        .hasMessage("The server's VERSION reply is bad: The version data is not JSON in UTF-8.");
  }

  @Test
  void aServerThatRefusesTheVersionSaysWhy() throws Exception {
    server(channel -> {
      byte[] request = Wire.receive(channel);
      Wire.send(channel, Wire.failure(id(request), Wire.VERSION, Wire.EINVAL));
    });

    assertThatThrownBy(() -> sockets.connect(path, OPTIONS))
        .isInstanceOf(VfioUserException.class)
        .hasMessage("VERSION was refused with EINVAL (22).");
  }

  @Test
  void anErrorWithoutANumberIsEinval() throws Exception {
    server(
        afterVersion(channel -> {
          Wire.send(channel, Wire.failure(id(Wire.receive(channel)), Wire.RESET, 0));
          Wire.send(channel, Wire.failure(id(Wire.receive(channel)), Wire.RESET, -1));
        }));

    try (var client = sockets.connect(path, OPTIONS)) {
      assertThatThrownBy(client::reset)
          .isInstanceOfSatisfying(
              VfioUserException.class,
              refused -> assertThat(refused.errno()).isEqualTo(Errno.EINVAL));
      assertThatThrownBy(client::reset)
          .isInstanceOfSatisfying(
              VfioUserException.class,
              refused -> assertThat(refused.errno()).isEqualTo(Errno.EINVAL));
    }
  }

  @Test
  void aRequestThatIsNotAnsweredInTimeClosesTheConnection() throws Exception {
    server(afterVersion(Wire::receive));

    try (var client = sockets.connect(path, OPTIONS.withTimeout(Duration.ofMillis(100)))) {
      assertThatThrownBy(client::reset)
          .isInstanceOf(IOException.class)
          .hasMessage("DEVICE_RESET was not answered within PT0.1S.");
      assertThat(client.isOpen()).isFalse();
      assertThatThrownBy(client::reset).isInstanceOf(IOException.class);
    }
  }

  @Test
  void oneRequestMoreThanTheWindowWaitsForAPlace() throws Exception {
    server(
        afterVersion(channel -> {
          byte[] first = Wire.receive(channel);
          channel.configureBlocking(false);
          await()
              .during(Duration.ofMillis(100))
              .until(() -> channel.read(ByteBuffer.allocate(1)) == 0);
          channel.configureBlocking(true);
          Wire.send(channel, Wire.reply(id(first), 9, Wire.access(0, 7, 1, (byte) 1)));
          byte[] second = Wire.receive(channel);
          Wire.send(channel, Wire.reply(id(second), 9, Wire.access(0, 7, 1, (byte) 2)));
        }));

    try (var client = sockets.connect(path, OPTIONS.withWindow(1))) {
      CompletableFuture<ByteBuffer> first = client.readAsync(7, 0, 1);
      CompletableFuture<ByteBuffer> second = client.readAsync(7, 0, 1);

      assertThat(first.join().get()).isEqualTo((byte) 1);
      assertThat(second.join().get()).isEqualTo((byte) 2);
    }
  }

  @Test
  void aConnectionThatIsLostFailsWhatIsUnderWay() throws Exception {
    server(
        afterVersion(channel -> {
          Wire.receive(channel);
          channel.close();
        }));

    try (var client = sockets.connect(path, OPTIONS)) {
      assertThatThrownBy(client::reset)
          .isInstanceOf(IOException.class)
          .isNotInstanceOf(VfioUserException.class);
    }
  }

  /// What a server may send that is no answer to the REGION_READ of one byte with id 2.
  @Test
  void aReplyThatNothingWaitsForClosesTheConnection() throws Exception {
    assertBreaks(Wire.reply(77, Wire.REGION_READ, Wire.access(0, 7, 1, (byte) 1)));
  }

  @Test
  void aReplyToAnotherCommandClosesTheConnection() throws Exception {
    assertBreaks(Wire.reply(2, Wire.RESET, new byte[0]));
  }

  @Test
  void aReplyOfAnotherLayoutClosesTheConnection() throws Exception {
    assertBreaks(Wire.reply(2, Wire.REGION_READ, new byte[3]));
  }

  @Test
  void aReplyWithMoreBytesThanWereAskedForIsAnError() throws Exception {
    assertBreaks(Wire.reply(2, Wire.REGION_READ, Wire.access(0, 7, 2, (byte) 1, (byte) 2)));
  }

  @Test
  void aReplyLongerThanTheLimitClosesTheConnection() throws Exception {
    assertBreaks(Wire.header(2, Wire.REGION_READ, 0xffff_fff0L, Wire.REPLY, 0, new byte[64]));
  }

  @Test
  void aMessageOfNoKnownTypeClosesTheConnection() throws Exception {
    assertBreaks(Wire.message(2, Wire.REGION_READ, 3, 0, new byte[16]));
  }

  private void assertBreaks(byte[] bytes) throws IOException {
    server(
        afterVersion(channel -> {
          Wire.receive(channel);
          Wire.send(channel, bytes);
        }));

    try (var client = sockets.connect(path, OPTIONS)) {
      assertThatThrownBy(() -> client.read(7, 0, 1))
          .isInstanceOf(IOException.class)
          .isNotInstanceOf(VfioUserException.class)
          .message()
          .doesNotContain("not answered within");
    }
  }

  @Test
  void whatAServerAsksForBesidesMemoryIsNotSupported() throws Exception {
    CompletableFuture<byte[]> answer = new CompletableFuture<>();
    server(
        afterVersion(channel -> {
          Wire.send(channel, Wire.request(500, Wire.RESET, new byte[0]));
          answer.complete(Wire.receive(channel));
        }));

    try (var _ = sockets.connect(path, OPTIONS)) {
      assertThat(answer.join()).isEqualTo(Wire.failure(500, Wire.RESET, Wire.EOPNOTSUPP));
    }
  }

  @ParameterizedTest
  @CsvSource({
    "0x0fff, 1, 14",
    "0x1000, 17, 14",
    "0x1010, 1, 14",
    "0x1008, 9, 14",
    "0x1000, 1048577, 7",
    "0x1000, -1, 7"
  })
  void aServerGetsNoMemoryThatIsNotOffered(String address, long count, int errno) throws Exception {
    byte[] answer =
        whatAServerGets(Wire.DMA_READ, Wire.longs(Long.decode(address), count), new byte[16]);

    assertThat(answer).isEqualTo(Wire.failure(500, Wire.DMA_READ, errno));
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 15, 17})
  void aServersDmaReadOfAnotherLengthIsInvalid(int length) throws Exception {
    byte[] answer = whatAServerGets(Wire.DMA_READ, new byte[length], new byte[16]);

    assertThat(answer).isEqualTo(Wire.failure(500, Wire.DMA_READ, Wire.EINVAL));
  }

  @Test
  void aServersDmaWriteWithAnotherCountThanItsDataIsInvalid() throws Exception {
    byte[] answer = whatAServerGets(Wire.DMA_WRITE, Wire.longs(0x1000, 9, 0), new byte[16]);

    assertThat(answer).isEqualTo(Wire.failure(500, Wire.DMA_WRITE, Wire.EINVAL));
  }

  @Test
  void offeredMemoryIsReadAsTheSpecificationHasIt() throws Exception {
    byte[] memory = {1, 2, 3, 4, 5, 6, 7, 8};

    assertThat(whatAServerGets(Wire.DMA_READ, Wire.longs(0x1002, 2), memory))
        .isEqualTo(
            Wire.reply(500, Wire.DMA_READ, Wire.concat(Wire.longs(0x1002, 2), new byte[] {3, 4})));
  }

  @Test
  void offeredMemoryIsWrittenAsTheSpecificationHasIt() throws Exception {
    byte[] memory = {1, 2, 3, 4, 5, 6, 7, 8};

    assertThat(
            whatAServerGets(
                Wire.DMA_WRITE, Wire.concat(Wire.longs(0x1006, 2), new byte[] {9, 9}), memory))
        .isEqualTo(Wire.reply(500, Wire.DMA_WRITE, Wire.longs(0x1006, 2)));
    assertThat(memory).containsExactly(1, 2, 3, 4, 5, 6, 9, 9);
  }

  /// What a server gets for a request, from a client that offers memory at 0x1000.
  private byte[] whatAServerGets(int command, byte[] payload, byte[] memory) throws Exception {
    CompletableFuture<byte[]> answer = new CompletableFuture<>();
    server(
        afterVersion(channel -> {
          byte[] map = Wire.receive(channel);
          Wire.send(channel, Wire.reply(id(map), Wire.DMA_MAP, new byte[0]));
          Wire.send(channel, Wire.request(500, command, payload));
          answer.complete(Wire.receive(channel));
        }));
    try (var client = sockets.connect(path, OPTIONS)) {
      client.mapDma(0x1000, ByteBuffer.wrap(memory));
      return answer.get(30, TimeUnit.SECONDS);
    }
  }

  @Test
  void severalWritesGoInOneMessage() throws Exception {
    CompletableFuture<byte[]> request = new CompletableFuture<>();
    server(
        afterVersion(channel -> {
          byte[] several = Wire.receive(channel);
          Wire.send(channel, Wire.reply(id(several), Wire.REGION_WRITE_MULTI, Wire.longs(1)));
          request.complete(several);
        }));

    try (var client = sockets.connect(path, OPTIONS)) {
      int done =
          client.writeAll(
              List.of(
                  new VfioUserClient.Write(0, 16, ByteBuffer.wrap(new byte[] {1, 2})),
                  new VfioUserClient.Write(7, 4, ByteBuffer.wrap(new byte[8]))));

      assertThat(done).isEqualTo(1);
      assertThat(request.join())
          .isEqualTo(
              Wire.request(
                  2,
                  Wire.REGION_WRITE_MULTI,
                  Wire.concat(
                      Wire.longs(2),
                      Wire.access(16, 0, 2, new byte[] {1, 2, 0, 0, 0, 0, 0, 0}),
                      Wire.access(4, 7, 8, new byte[8]))));
    }
  }
}
