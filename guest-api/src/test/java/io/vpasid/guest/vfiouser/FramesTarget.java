package io.vpasid.guest.vfiouser;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.PoolArenaMetric;
import io.netty.buffer.PooledByteBufAllocator;
import io.netty.channel.ChannelOption;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.handler.flow.FlowControlHandler;
import io.vpasid.guest.socket.PacketDecoder;
import io.vpasid.guest.socket.PeerCredentials;
import io.vpasid.vmm.linux.calls.MemoryBudget;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.BooleanSupplier;
import java.util.random.RandomGenerator;
import java.util.stream.Stream;

/// Clients that nobody designed, as a fuzz target: frames, in one piece or two, while the device
/// does DMA. What must hold is checked here, whoever chooses: every message that the server sends
/// is well formed and one that a server may send, nothing is thrown, and no buffer is lost.
public final class FramesTarget {
  private static final int MAX_TRANSFER = 4096;

  private static final String[] JSON = {
    "{\"capabilities\": {\"max_msg_fds\": 8}}", "{}", "{\"capabilities\": []}", "[", ""
  };

  /// Keeps nothing back in caches.
  private static final PooledByteBufAllocator ALLOCATOR =
      new PooledByteBufAllocator(false, 1, 1, 8192, 9, 0, 0, false);

  private final RandomGenerator random;
  private final MemoryDevice device = new MemoryDevice();
  private final Set<String> calls = new HashSet<>();
  private int sent;
  private int answered;
  private int ended;

  private FramesTarget(RandomGenerator random) {
    this.random = random;
  }

  /// One input of the fuzzer.
  public static void fuzzerTestOneInput(byte[] input) {
    Choices choices = new Choices(input);
    new FramesTarget(choices).run(choices::remain);
    if (buffersInUse() != 0) {
      throw new AssertionError(buffersInUse() + " buffers are lost");
    }
  }

  /// What a run came to.
  ///
  /// @param answered replies that the server sent
  /// @param ended connections that it closed
  /// @param calls what was asked of the device
  record Run(int answered, int ended, Set<String> calls) {}

  /// Sends about so many frames.
  static Run run(RandomGenerator random, int frames) {
    FramesTarget target = new FramesTarget(random);
    return target.run(() -> target.sent < frames);
  }

  /// Number of buffers that somebody has not released.
  static long buffersInUse() {
    return Stream.concat(
            ALLOCATOR.metric().heapArenas().stream(), ALLOCATOR.metric().directArenas().stream())
        .mapToLong(PoolArenaMetric::numActiveAllocations)
        .sum();
  }

  /// Lets the leak detector, which looks at every allocation, report what it has found.
  static void reportLeaks() {
    ALLOCATOR.buffer().release();
  }

  private Run run(BooleanSupplier more) {
    EmbeddedChannel channel = connect();
    while (more.getAsBoolean()) {
      List<Frame> frames = burst();
      sent += frames.size();
      channel.writeInbound(inPieces(frames));
      channel.checkException();
      if (random.nextInt(8) == 0) {
        device.peer().ifPresent(this::useMemory);
        channel.runPendingTasks();
      }
      answered += takeReplies(channel);
      if (!channel.isOpen()) {
        channel.finishAndReleaseAll();
        device.takeCalls(calls);
        channel = connect();
        ended++;
      }
    }
    channel.finishAndReleaseAll();
    device.takeCalls(calls);
    return new Run(answered, ended, calls);
  }

  /// Up to 16 frames, of which only the last may end the connection.
  private List<Frame> burst() {
    List<Frame> frames = new ArrayList<>();
    do {
      frames.add(frame());
    } while (frames.size() < 16 && !frames.getLast().mayEnd);
    return frames;
  }

  /// A frame, and whether it breaks the protocol, so that nothing behind it would be looked at.
  private static final class Frame {
    final byte[] bytes;
    final boolean mayEnd;

    Frame(byte[] bytes, boolean mayEnd) {
      this.bytes = bytes;
      this.mayEnd = mayEnd;
    }
  }

  private EmbeddedChannel connect() {
    EmbeddedChannel channel = new EmbeddedChannel();
    channel.config().setOption(ChannelOption.ALLOCATOR, (ByteBufAllocator) ALLOCATOR);
    channel
        .pipeline()
        .addLast(
            new PacketDecoder(VfioUserFraming.forDataTransfer(MAX_TRANSFER)),
            new FlowControlHandler(),
            new VfioUserDecoder(),
            new VfioUserEncoder(),
            new SessionHandler(
                new DeviceSession(
                    ServedDevice.of(device),
                    new Capabilities(0, MAX_TRANSFER, 8, 4096, true),
                    false,
                    new PeerCredentials(1, Set.of(), 2),
                    MemoryBudget.ofProcess()),
                Duration.ofSeconds(5)));
    channel.writeInbound(
        ALLOCATOR.buffer().writeBytes(Wire.request(0, 1, Wire.versionWithoutData(0, 0))));
    takeReplies(channel);
    return channel;
  }

  /// The device does DMA, which the client answers with whatever it sends next.
  private void useMemory(VfioUserPeer peer) {
    ByteBuffer bytes = ByteBuffer.allocate(random.nextInt(3 * MAX_TRANSFER));
    long address = edge();
    var _ = random.nextBoolean() ? peer.readDma(address, bytes) : peer.writeDma(address, bytes);
  }

  private static int takeReplies(EmbeddedChannel channel) {
    int replies = 0;
    for (ByteBuf sent; (sent = channel.readOutbound()) != null; sent.release()) {
      if (sent.getUnsignedIntLE(4) != sent.readableBytes()) {
        throw new AssertionError("A message says that it has " + sent.getUnsignedIntLE(4));
      }
      boolean reply = (sent.getIntLE(8) & 0xf) == Wire.REPLY;
      int command = sent.getUnsignedShortLE(2);
      if (!reply && command != Wire.DMA_READ && command != Wire.DMA_WRITE) {
        throw new AssertionError("The server asks for " + command);
      }
      replies += reply ? 1 : 0;
    }
    return replies;
  }

  /// The bytes in one or two buffers.
  private Object[] inPieces(List<Frame> frames) {
    byte[] bytes = Wire.concat(frames.stream().map(frame -> frame.bytes).toArray(byte[][]::new));
    int cut = random.nextInt(bytes.length + 1);
    return random.nextInt(3) == 0
        ? new Object[] {piece(bytes, 0, cut), piece(bytes, cut, bytes.length)}
        : new Object[] {piece(bytes, 0, bytes.length)};
  }

  private static ByteBuf piece(byte[] bytes, int from, int to) {
    return ALLOCATOR.buffer(Math.max(1, to - from)).writeBytes(bytes, from, to - from);
  }

  private Frame frame() {
    int command = random.nextInt(20) == 0 ? random.nextInt(65536) : random.nextInt(20);
    byte[] payload = random.nextInt(3) == 0 ? noise() : plausible(command);
    int flags =
        switch (random.nextInt(256)) {
          case 0 -> random.nextInt();
          case 1, 2 -> Wire.REPLY;
          case 3 -> Wire.ERROR_REPLY;
          default -> random.nextInt(8) == 0 ? Wire.NO_REPLY : 0;
        };
    long size =
        switch (random.nextInt(512)) {
          case 0 -> random.nextInt();
          case 1 -> random.nextInt(16);
          default -> 16L + payload.length;
        };
    // Few ids, so that a reply may meet a request that waits.
    int id = random.nextInt(random.nextInt(8) == 0 ? 65536 : 4);
    return new Frame(
        Wire.header(id, command, size, flags, random.nextInt(200), payload),
        (flags & 0xf) != 0 || size != 16L + payload.length);
  }

  private byte[] noise() {
    byte[] bytes = new byte[random.nextInt(16) == 0 ? random.nextInt(5000) : random.nextInt(64)];
    random.nextBytes(bytes);
    return bytes;
  }

  /// A payload of the command's own length, with values of which many are at an edge.
  private byte[] plausible(int command) {
    return switch (command) {
      case Wire.VERSION ->
          Wire.version(random.nextInt(2), random.nextInt(3), JSON[random.nextInt(JSON.length)]);
      case Wire.DMA_MAP -> Wire.dmaMap(32, random.nextInt(5), edge(), edge(), edge());
      case Wire.DMA_UNMAP -> Wire.dmaUnmap(24, random.nextInt(4), edge(), edge());
      case Wire.GET_INFO, Wire.GET_IRQ_INFO, Wire.GET_REGION_IO_FDS ->
          Wire.ints((int) edge(), 0, random.nextInt(8), 0);
      case Wire.REGION_WRITE_MULTI -> {
        int count = random.nextInt(4);
        byte[] all = Wire.longs(random.nextInt(8) == 0 ? edge() : count);
        for (int i = 0; i < count; i++) {
          all =
              Wire.concat(
                  all, Wire.access(edge(), random.nextInt(9), random.nextInt(10), new byte[8]));
        }
        yield all;
      }
      case Wire.DEVICE_FEATURE ->
          Wire.ints((int) edge(), random.nextInt(9) << 16 | random.nextInt(9), 0);
      case Wire.DMA_READ, Wire.DMA_WRITE ->
          Wire.concat(Wire.longs(edge(), 8), new byte[random.nextInt(16)]);
      case Wire.GET_REGION_INFO -> Wire.regionInfo((int) edge(), 0, random.nextInt(12), edge());
      case Wire.SET_IRQS -> {
        int data = 1 << random.nextInt(3);
        int action = 1 << random.nextInt(6);
        yield Wire.ints(20, data | action, random.nextInt(6), random.nextInt(3), random.nextInt(9));
      }
      case Wire.REGION_READ -> Wire.access(edge(), random.nextInt(10), (int) edge());
      case Wire.REGION_WRITE -> {
        byte[] data = random.nextBoolean() ? new byte[random.nextInt(9)] : noise();
        int count = random.nextInt(8) == 0 ? (int) edge() : data.length;
        yield Wire.access(edge(), random.nextInt(10), count, data);
      }
      case Wire.RESET -> new byte[0];
      default -> "anything".getBytes(StandardCharsets.US_ASCII);
    };
  }

  private long edge() {
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
