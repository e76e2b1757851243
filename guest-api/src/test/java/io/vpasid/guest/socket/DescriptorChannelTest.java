package io.vpasid.guest.socket;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.unix.DomainSocketAddress;
import io.netty.channel.unix.FileDescriptor;
import io.netty.channel.unix.Socket;
import io.vpasid.vmm.linux.calls.SocketCalls;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledIf;
import org.junit.jupiter.api.io.TempDir;

/// A channel that carries descriptors, with a bare socket at the other end.
@EnabledIf(
    value = "available",
    disabledReason = "needs descriptors through sockets (64-bit Linux, native access)")
class DescriptorChannelTest {
  private static final int MAX = 8 << 20;

  private final BlockingQueue<Packet> received = new LinkedBlockingQueue<>();
  private final CompletableFuture<Channel> accepted = new CompletableFuture<>();
  private final CompletableFuture<Void> ended = new CompletableFuture<>();
  private final SocketLoops loops = SocketLoops.open(SocketKind.DESCRIPTORS, "test", 1);
  private final Socket peer = Socket.newSocketDomain();

  static boolean available() {
    return SocketKind.DESCRIPTORS.available();
  }

  @BeforeEach
  void connect(@TempDir Path directory) throws IOException {
    Path path = directory.resolve("s");
    loops.listen(
        path,
        new LengthFraming(MAX),
        (channel, _, _) -> {
          channel.pipeline().addLast(new Collector());
          accepted.complete(channel);
        });
    assertThat(peer.connect(new DomainSocketAddress(path.toString()))).isTrue();
  }

  @AfterEach
  void close() throws IOException {
    if (peer.isOpen()) {
      peer.close();
    }
    loops.close();
    received.forEach(Packet::release);
  }

  /// Keeps what arrives, for the test to look at.
  private final class Collector extends ChannelInboundHandlerAdapter {
    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
      received.add((Packet) message);
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) {
      ended.complete(null);
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
      assertThat(cause).isInstanceOf(IOException.class);
    }
  }

  private void send(byte[] bytes, FileDescriptor... descriptors) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment data = arena.allocateFrom(ValueLayout.JAVA_BYTE, bytes);
      assertThat(
              SocketCalls.current()
                  .send(
                      peer.intValue(),
                      List.of(data),
                      Descriptors.of(List.of(descriptors)).numbers()))
          .isEqualTo(bytes.length);
    }
  }

  private static byte[] message(String body) {
    byte[] bytes = body.getBytes(StandardCharsets.US_ASCII);
    return ByteBuffer.allocate(4 + bytes.length)
        .order(java.nio.ByteOrder.LITTLE_ENDIAN)
        .putInt(4 + bytes.length)
        .put(bytes)
        .array();
  }

  private Packet next() throws InterruptedException {
    Packet packet = received.poll(10, TimeUnit.SECONDS);
    assertThat(packet).as("a packet").isNotNull();
    return packet == null ? new Packet(Unpooled.EMPTY_BUFFER, Descriptors.none()) : packet;
  }

  private static String body(Packet packet) {
    return packet
        .bytes()
        .toString(4, packet.bytes().readableBytes() - 4, StandardCharsets.US_ASCII);
  }

  /// Whether every write end of a pipe is closed, which its read end shows as the end of the file.
  private static boolean isClosed(FileDescriptor readEnd) throws IOException {
    SocketCalls.current().makeNonBlocking(readEnd.intValue());
    // Netty's read: -1 at the end of the file, 0 when there is nothing yet.
    return readEnd.read(ByteBuffer.allocateDirect(1), 0, 1) == -1;
  }

  @Test
  void descriptorsBelongToTheMessageTheyWereSentWith() throws Exception {
    FileDescriptor[] pipe = FileDescriptor.pipe();
    Channel channel = accepted.join();
    channel.eventLoop().submit(() -> channel.config().setAutoRead(false)).sync();

    send(message("first"));
    send(message("second"), pipe[1], pipe[1]);
    send(message("third"));
    channel.config().setAutoRead(true);

    Packet first = next();
    Packet second = next();
    Packet third = next();
    assertThat(body(first)).isEqualTo("first");
    assertThat(first.descriptors().count()).isZero();
    assertThat(body(second)).isEqualTo("second");
    assertThat(second.descriptors().count()).isEqualTo(2);
    assertThat(body(third)).isEqualTo("third");
    assertThat(third.descriptors().count()).isZero();

    pipe[1].close();
    assertThat(isClosed(pipe[0])).isFalse();
    second.release();
    assertThat(isClosed(pipe[0])).isTrue();
    first.release();
    third.release();
    pipe[0].close();
  }

  @Test
  void descriptorsThatWereTakenAreStillOpenWhenThePacketIsReleased() throws Exception {
    FileDescriptor[] pipe = FileDescriptor.pipe();
    send(message("x"), pipe[1]);
    pipe[1].close();

    Packet packet = next();
    List<FileDescriptor> taken = packet.descriptors().take();
    packet.release();

    assertThat(isClosed(pipe[0])).isFalse();
    taken.getFirst().close();
    assertThat(isClosed(pipe[0])).isTrue();
    pipe[0].close();
  }

  @Test
  void aHeaderThatComesInPiecesKeepsItsDescriptors() throws Exception {
    FileDescriptor[] pipe = FileDescriptor.pipe();

    send(new byte[] {6, 0}, pipe[1]);
    await().untilAsserted(() -> assertThat(received).isEmpty());
    send(new byte[] {0, 0, 'h'}, pipe[0]);
    send(new byte[] {'i'});

    Packet packet = next();
    assertThat(body(packet)).isEqualTo("hi");
    assertThat(packet.descriptors().count()).isEqualTo(2);
    packet.release();
    pipe[0].close();
    pipe[1].close();
  }

  @Test
  void descriptorsThatComeWithABodyAloneAreClosedAndSoIsTheConnection() throws Exception {
    FileDescriptor[] pipe = FileDescriptor.pipe();

    send(new byte[] {6, 0, 0, 0, 'o', 'k', 6, 0, 0, 0});
    next().release();
    send(new byte[] {'h', 'i'}, pipe[1]);
    pipe[1].close();

    ended.get(10, TimeUnit.SECONDS);
    assertThat(isClosed(pipe[0])).isTrue();
    assertThat(received).isEmpty();
    pipe[0].close();
  }

  @Test
  void descriptorsOfMessagesSentTogetherAreTheLastOnes() throws Exception {
    FileDescriptor[] pipe = FileDescriptor.pipe();

    send(new byte[] {5, 0, 0, 0, '1', 5, 0, 0, 0, '2'}, pipe[1]);
    pipe[1].close();

    Packet first = next();
    Packet second = next();
    assertThat(first.descriptors().count()).isZero();
    assertThat(second.descriptors().count()).isEqualTo(1);
    first.release();
    assertThat(isClosed(pipe[0])).isFalse();
    second.release();
    assertThat(isClosed(pipe[0])).isTrue();
    pipe[0].close();
  }

  @Test
  void descriptorsWaitForTheRestOfTheMessageThatTheyCameWith() throws Exception {
    FileDescriptor[] pipe = FileDescriptor.pipe();

    send(new byte[] {5, 0, 0, 0, '1', 6, 0, 0, 0, 'h'}, pipe[1]);
    Packet first = next();
    send(new byte[] {'i', 5, 0, 0, 0, '3'});

    Packet second = next();
    Packet third = next();
    assertThat(List.of(first, second, third))
        .extracting(packet -> packet.descriptors().count())
        .containsExactly(0, 1, 0);
    assertThat(body(second)).isEqualTo("hi");
    List.of(first, second, third).forEach(Packet::release);
    pipe[0].close();
    pipe[1].close();
  }

  @Test
  void messagesInPiecesOfAnyLengthArriveWhole() throws Exception {
    Random random = new Random(5);
    ByteBuffer all = ByteBuffer.allocate(1 << 20);
    List<String> bodies = new ArrayList<>();
    while (all.remaining() > 60_000) {
      String body =
          Integer.toString(bodies.size()).repeat(1 + random.nextInt(1 << random.nextInt(14)));
      bodies.add(body);
      all.put(message(body));
    }
    int length = all.flip().limit();
    Thread.ofVirtual()
        .start(() -> {
          while (all.hasRemaining()) {
            byte[] piece =
                new byte[Math.min(all.remaining(), 1 + random.nextInt(1 << random.nextInt(16)))];
            all.get(piece);
            sendAll(piece);
          }
        });

    for (String body : bodies) {
      Packet packet = next();
      assertThat(body(packet)).isEqualTo(body);
      packet.release();
    }
    assertThat(length).isPositive();
  }

  /// Sends however little of it there is room for at a time.
  private void sendAll(byte[] bytes) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment data = arena.allocateFrom(ValueLayout.JAVA_BYTE, bytes);
      long sent = 0;
      while (sent < bytes.length) {
        int length = SocketCalls.current().send(peer.intValue(), List.of(data.asSlice(sent)));
        sent += Math.max(0, length);
        Thread.onSpinWait();
      }
    }
  }

  @Test
  void whatIsAnsweredInPlaceIsSentInTheOrderOfTheMessages() throws Exception {
    Channel channel = accepted.join();
    answerInPlace(channel, new Echo());
    String sent = "1 22 three 4 five six 7 888 nine";

    for (String word : sent.split(" ", -1)) {
      send(message(word));
    }

    String answers =
        new String(receive(sent.length() + 9 + 1, new Random(1)), StandardCharsets.US_ASCII);
    assertThat(answers).startsWith("[1]").contains("<three>");
    assertThat(answers.replaceAll("[<\\[]", "").replaceAll("[>\\]]", " ").strip()).isEqualTo(sent);
  }

  private static void answerInPlace(Channel channel, ChannelHandler... others) throws Exception {
    channel
        .eventLoop()
        .submit(() -> {
          InPlace.on(channel, DescriptorChannelTest::echoDigits);
          channel.pipeline().addFirst(others);
        })
        .sync();
  }

  /// Answers what begins with a digit by the same in brackets.
  private static boolean echoDigits(ByteBuffer message, ByteBuffer reply) {
    reply.put((byte) '[');
    message.position(message.position() + 4);
    boolean digits = Character.isDigit(message.get(message.position()));
    if (digits) {
      reply.put(message).put((byte) ']');
    }
    return digits;
  }

  /// Answers everything else by the same in other brackets.
  private static final class Echo extends ChannelInboundHandlerAdapter {
    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
      String body = body((Packet) message);
      ((Packet) message).release();
      var _ = context.write(Unpooled.copiedBuffer("<" + body + ">", StandardCharsets.US_ASCII));
    }

    @Override
    public void channelReadComplete(ChannelHandlerContext context) {
      context.flush();
    }
  }

  @Test
  @Timeout(60)
  void aPeerThatDoesNotReadItsAnswersIsNotAnsweredForEver() throws Exception {
    Channel channel = accepted.join();
    answerInPlace(channel, new StopWhenFull(), new Echo());
    byte[] message = message("1".repeat(1000));
    List<MemorySegment> data = List.of(Arena.ofAuto().allocateFrom(ValueLayout.JAVA_BYTE, message));

    int sent = 0;
    boolean full = false;
    while (sent < 1000 * 1004 && !full) {
      int length = SocketCalls.current().send(peer.intValue(), data);
      sent += Math.max(0, length);
      // Between two turns of the loop, all is flushed that has room.
      full = length <= 0 && channel.eventLoop().submit(() -> !channel.isWritable()).get();
    }

    assertThat(sent).isLessThan(1000 * 1004);
    assertThat(channel.config().isAutoRead()).isFalse();
  }

  /// Reads nothing more while too much waits to be sent.
  private static final class StopWhenFull extends ChannelInboundHandlerAdapter {
    @Override
    public void channelWritabilityChanged(ChannelHandlerContext context) {
      context.channel().config().setAutoRead(context.channel().isWritable());
    }
  }

  @Test
  void descriptorsOfAMessageThatNeverEndsAreClosedWithTheConnection() throws Exception {
    FileDescriptor[] pipe = FileDescriptor.pipe();

    send(new byte[] {100, 0, 0, 0, 1, 2, 3}, pipe[1]);
    pipe[1].close();
    peer.close();

    ended.get(10, TimeUnit.SECONDS);
    assertThat(isClosed(pipe[0])).isTrue();
    assertThat(received).isEmpty();
    pipe[0].close();
  }

  @Test
  void moreDescriptorsThanAMessageMayHaveCloseTheConnectionAndAreClosed() throws Exception {
    FileDescriptor[] pipe = FileDescriptor.pipe();
    FileDescriptor[] nine = new FileDescriptor[9];
    java.util.Arrays.fill(nine, pipe[1]);

    send(new byte[] {6, 0}, nine);
    send(new byte[] {0}, nine);
    pipe[1].close();

    ended.get(10, TimeUnit.SECONDS);
    assertThat(isClosed(pipe[0])).isTrue();
    assertThat(received).isEmpty();
    pipe[0].close();
  }

  @Test
  void aHeaderThatBreaksTheProtocolIsDeliveredAloneAndNothingMoreIsRead() throws Exception {
    send(new byte[] {1, 0, 0, 0, 4, 0, 0, 0, 4, 0, 0, 0});

    Packet packet = next();
    assertThat(packet.bytes().readableBytes()).isEqualTo(4);
    packet.release();
    peer.close();
    ended.get(10, TimeUnit.SECONDS);
    assertThat(received).isEmpty();
  }

  @Test
  void packetsAreReadOneByOneWhenAskedForOneByOne() throws Exception {
    Channel channel = accepted.join();
    channel.eventLoop().submit(() -> channel.config().setAutoRead(false)).sync();
    send(message("1"));
    send(message("2"));
    assertThat(received.poll(50, TimeUnit.MILLISECONDS)).isNull();

    channel.read();

    Packet first = next();
    assertThat(body(first)).isEqualTo("1");
    assertThat(received.poll(50, TimeUnit.MILLISECONDS)).isNull();
    channel.read();
    Packet second = next();
    assertThat(body(second)).isEqualTo("2");
    first.release();
    second.release();
  }

  @Test
  void aPeerThatLeavesIsNoticedEvenByAChannelThatDoesNotRead() throws Exception {
    Channel channel = accepted.join();
    channel.eventLoop().submit(() -> channel.config().setAutoRead(false)).sync();

    peer.close();

    ended.get(10, TimeUnit.SECONDS);
    assertThat(channel.isOpen()).isFalse();
  }

  @Test
  void whatIsWrittenArrivesInOrderHoweverSlowlyThePeerReads() throws Exception {
    Channel channel = accepted.join();
    Random random = new Random(7);
    byte[] expected = new byte[6 << 20];
    random.nextBytes(expected);
    int at = 0;
    while (at < expected.length) {
      int length = Math.min(expected.length - at, 1 + random.nextInt(1 << random.nextInt(21)));
      var _ = channel.write(Unpooled.copiedBuffer(expected, at, length));
      at += length;
      if (random.nextInt(4) == 0) {
        channel.flush();
      }
    }
    channel.flush();

    assertThat(receive(expected.length, random)).isEqualTo(expected);
  }

  private byte[] receive(int length, Random random) throws IOException {
    byte[] bytes = new byte[length];
    ByteBuffer piece = ByteBuffer.allocateDirect(1 << 16);
    int at = 0;
    while (at < length) {
      int count = peer.read(piece, 0, 1 + random.nextInt(piece.capacity()));
      assertThat(count).isNotNegative();
      piece.get(0, bytes, at, count);
      at += count;
    }
    return bytes;
  }

  @Test
  void aPacketIsWrittenWithItsDescriptorsWhichAreThenClosedHere() throws Exception {
    Channel channel = accepted.join();
    FileDescriptor[] pipe = FileDescriptor.pipe();
    Packet packet =
        new Packet(
            channel.alloc().directBuffer().writeBytes(message("take this")),
            Descriptors.of(List.of(pipe[1])));

    var _ = channel.write(Unpooled.copiedBuffer(message("before")));
    channel.writeAndFlush(packet).sync();

    List<FileDescriptor> descriptors = new ArrayList<>();
    String all = "";
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment into = arena.allocate(64);
      while (descriptors.isEmpty()) {
        int length =
            SocketCalls.current()
                .receive(
                    peer.intValue(),
                    into,
                    0,
                    64,
                    number -> descriptors.add(new FileDescriptor(number)));
        assertThat(length).isPositive();
        all += StandardCharsets.US_ASCII.decode(into.asSlice(0, length).asByteBuffer());
      }
    }
    assertThat(all).contains("before").endsWith("take this");
    assertThat(isClosed(pipe[0])).isFalse();
    descriptors.getFirst().close();
    assertThat(isClosed(pipe[0])).isTrue();
    pipe[0].close();
  }

  @Test
  void aPeerThatIsGoneFailsTheWriteAndClosesThePacketsDescriptors() throws Exception {
    Channel channel = accepted.join();
    peer.close();
    ended.get(10, TimeUnit.SECONDS);
    FileDescriptor[] pipe = FileDescriptor.pipe();

    assertThatThrownBy(() ->
            channel
                .writeAndFlush(
                    new Packet(
                        channel.alloc().directBuffer().writeBytes(message("x")),
                        Descriptors.of(List.of(pipe[1]))))
                .sync())
        .isInstanceOf(IOException.class);
    assertThat(isClosed(pipe[0])).isTrue();
    pipe[0].close();
  }

  @Test
  void aFullBacklogIsAnErrorAndNotAWait(@TempDir Path directory) throws Exception {
    Path path = directory.resolve("full");
    Socket listening = Socket.newSocketDomain();
    listening.bind(new DomainSocketAddress(path.toString()));
    listening.listen(0);
    List<Channel> waiting = new ArrayList<>();

    assertThatThrownBy(
            () -> {
              for (int i = 0; i < 10; i++) {
                waiting.add(
                    loops.connect(path, new LengthFraming(16), new ChannelInboundHandlerAdapter()));
              }
            })
        .isInstanceOf(IOException.class)
        .hasMessage(path + " cannot be connected to: Resource temporarily unavailable");

    for (Channel channel : waiting) {
      channel.close().sync();
    }
    listening.close();
  }
}
