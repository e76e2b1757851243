package io.vpasid.guest.vfiouser;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.UnpooledByteBufAllocator;
import io.netty.channel.ChannelOption;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.handler.flow.FlowControlHandler;
import io.netty.util.ResourceLeakDetector;
import io.vpasid.guest.transport.PacketDecoder;
import io.vpasid.guest.transport.PeerCredentials;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Frames that nobody designed: whatever comes, it is answered or the connection closed, and no
/// buffer is lost.
class RandomFramesTest {
  private static final int FRAMES = 50_000;
  private static final int MAX_TRANSFER = 4096;

  private static final String[] JSON = {
    "{\"capabilities\": {\"max_msg_fds\": 8}}", "{}", "{\"capabilities\": []}", "[", ""
  };

  private final UnpooledByteBufAllocator allocator = new UnpooledByteBufAllocator(false, true);
  private final ResourceLeakDetector.Level levelBefore = ResourceLeakDetector.getLevel();
  private final Logger leakLog = Logger.getLogger(ResourceLeakDetector.class.getName());
  private final LeakReports reports = new LeakReports();

  private static final class LeakReports extends Handler {
    private final List<String> messages = new ArrayList<>();

    @Override
    public void publish(LogRecord record) {
      messages.add(record.getMessage());
    }

    @Override
    public void flush() {}

    @Override
    public void close() {}
  }

  @BeforeEach
  void watchForLeaks() {
    ResourceLeakDetector.setLevel(ResourceLeakDetector.Level.PARANOID);
    leakLog.addHandler(reports);
  }

  @AfterEach
  void stopWatching() {
    ResourceLeakDetector.setLevel(levelBefore);
    leakLog.removeHandler(reports);
  }

  @ParameterizedTest
  @ValueSource(longs = {20261122, 7})
  void everyFrameIsAnsweredOrEndsTheConnectionAndNoBufferIsLost(long seed) {
    Random random = new Random(seed);
    MemoryDevice device = new MemoryDevice();
    EmbeddedChannel channel = connect(device);
    int answered = 0;
    int ended = 0;
    for (int i = 0; i < FRAMES; i++) {
      channel.writeInbound(inPieces(frame(random), random));
      channel.checkException();
      answered += takeReplies(channel);
      if (!channel.isOpen()) {
        channel.finishAndReleaseAll();
        channel = connect(device);
        ended++;
      }
    }
    channel.finishAndReleaseAll();

    assertThat(answered).as("replies with seed %d", seed).isGreaterThan(FRAMES / 4);
    assertThat(ended).as("connections ended with seed %d", seed).isBetween(100, FRAMES);
    assertThat(device.calls()).contains("connected", "disconnected", "reset");
    assertThat(allocator.metric().usedHeapMemory() + allocator.metric().usedDirectMemory())
        .as("bytes lost with seed %d", seed)
        .isZero();
    System.gc();
    allocator.buffer().release();
    assertThat(reports.messages).isEmpty();
  }

  private EmbeddedChannel connect(MemoryDevice device) {
    EmbeddedChannel channel = new EmbeddedChannel();
    channel.config().setOption(ChannelOption.ALLOCATOR, (ByteBufAllocator) allocator);
    channel
        .pipeline()
        .addLast(
            new PacketDecoder(VfioUserFraming.forDataTransfer(MAX_TRANSFER)),
            new FlowControlHandler(),
            new VfioUserDecoder(),
            new VfioUserEncoder(),
            new SessionHandler(
                new DeviceSession(
                    DeviceSession.ServedDevice.of(device),
                    new Capabilities(0, MAX_TRANSFER, 8, 4096),
                    false,
                    new PeerCredentials(1, 2)),
                Duration.ofSeconds(5)));
    channel.writeInbound(
        allocator.buffer().writeBytes(Wire.request(0, 1, Wire.versionWithoutData(0, 0))));
    takeReplies(channel);
    return channel;
  }

  private static int takeReplies(EmbeddedChannel channel) {
    int bytes = 0;
    for (ByteBuf reply; (reply = channel.readOutbound()) != null; reply.release()) {
      assertThat(reply.getUnsignedIntLE(4)).isEqualTo(reply.readableBytes());
      assertThat(reply.getIntLE(8) & 0xf).isEqualTo(Wire.REPLY);
      bytes += reply.readableBytes();
    }
    return bytes == 0 ? 0 : 1;
  }

  /// The bytes in one to four buffers.
  private Object[] inPieces(byte[] bytes, Random random) {
    Object[] pieces = new Object[1 + random.nextInt(4)];
    int at = 0;
    for (int i = 0; i < pieces.length; i++) {
      int length =
          i == pieces.length - 1 ? bytes.length - at : random.nextInt(bytes.length - at + 1);
      pieces[i] = allocator.buffer(Math.max(1, length)).writeBytes(bytes, at, length);
      at += length;
    }
    return pieces;
  }

  private static byte[] frame(Random random) {
    int command = random.nextInt(10) == 0 ? random.nextInt(65536) : random.nextInt(20);
    byte[] payload = random.nextInt(3) == 0 ? noise(random) : plausible(command, random);
    int flags =
        switch (random.nextInt(40)) {
          case 0 -> random.nextInt();
          case 1 -> Wire.REPLY;
          case 2 -> Wire.ERROR_REPLY;
          case 3, 4, 5, 6 -> Wire.NO_REPLY;
          default -> 0;
        };
    long size =
        switch (random.nextInt(200)) {
          case 0 -> random.nextInt();
          case 1 -> random.nextInt(16);
          default -> 16L + payload.length;
        };
    return Wire.header(random.nextInt(65536), command, size, flags, random.nextInt(200), payload);
  }

  private static byte[] noise(Random random) {
    byte[] bytes = new byte[random.nextInt(4) == 0 ? random.nextInt(5000) : random.nextInt(64)];
    random.nextBytes(bytes);
    return bytes;
  }

  /// A payload of the command's own length, with values of which many are at an edge.
  private static byte[] plausible(int command, Random random) {
    return switch (command) {
      case Wire.VERSION ->
          Wire.version(random.nextInt(2), random.nextInt(3), JSON[random.nextInt(JSON.length)]);
      case Wire.DMA_MAP ->
          Wire.dmaMap(32, random.nextInt(5), edge(random), edge(random), edge(random));
      case Wire.DMA_UNMAP -> Wire.dmaUnmap(24, random.nextInt(4), edge(random), edge(random));
      case Wire.GET_INFO, Wire.GET_IRQ_INFO, Wire.GET_REGION_IO_FDS ->
          Wire.ints((int) edge(random), 0, random.nextInt(8), 0);
      case Wire.GET_REGION_INFO ->
          Wire.regionInfo((int) edge(random), 0, random.nextInt(12), edge(random));
      case Wire.SET_IRQS -> {
        int data = 1 << random.nextInt(3);
        int action = 1 << random.nextInt(6);
        yield Wire.ints(20, data | action, random.nextInt(6), random.nextInt(3), random.nextInt(9));
      }
      case Wire.REGION_READ -> Wire.access(edge(random), random.nextInt(10), (int) edge(random));
      case Wire.REGION_WRITE -> {
        byte[] data = random.nextBoolean() ? new byte[random.nextInt(9)] : noise(random);
        int count = random.nextInt(8) == 0 ? (int) edge(random) : data.length;
        yield Wire.access(edge(random), random.nextInt(10), count, data);
      }
      case Wire.RESET -> new byte[0];
      default -> "anything".getBytes(StandardCharsets.US_ASCII);
    };
  }

  private static long edge(Random random) {
    return switch (random.nextInt(12)) {
      case 0 -> 0;
      case 1 -> -1;
      case 2 -> Long.MAX_VALUE;
      case 3 -> Long.MIN_VALUE;
      case 4 -> 0xffff_ffffL;
      case 5 -> 4096;
      case 6 -> 4095;
      case 7 -> MAX_TRANSFER + 1;
      case 8 -> 1L << random.nextInt(64);
      case 9 -> random.nextLong();
      default -> random.nextInt(256);
    };
  }
}
