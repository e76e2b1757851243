package io.vpasid.guest.socket;

import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelMetadata;
import io.netty.channel.ChannelOutboundBuffer;
import io.netty.channel.epoll.EpollIoOps;
import io.netty.channel.unix.DomainSocketAddress;
import io.netty.channel.unix.Socket;
import io.netty.util.ReferenceCountUtil;
import io.vpasid.vmm.linux.Errno;
import io.vpasid.vmm.linux.calls.SocketCalls;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.net.SocketAddress;
import java.nio.channels.AlreadyConnectedException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// A connected Unix stream socket that reads [Packet]s, descriptors included, and writes packets or
/// plain bytes.
///
/// One receive takes all that is there ([Incoming]), and one send has all replies that were made
/// [in place][InPlace]. Delivery stops between messages as soon as auto-read is off; what has been
/// received by then, 16 KiB at most, waits. A peer that is gone is noticed all the same.
final class DescriptorChannel extends UnixChannel {
  private static final ChannelMetadata METADATA = new ChannelMetadata(false, 16);

  private static final int EAGAIN = Errno.EAGAIN.number();

  /// Time after which other channels of the loop get their turn, whatever the messages ask for.
  private static final long TURN_NANOS = 1_000_000;

  /// Messages after which they get it: nothing more is received.
  private static final int MESSAGES_PER_TURN = 64;

  private static final EpollIoOps READING = EpollIoOps.EPOLLIN.with(EpollIoOps.EPOLLRDHUP);

  private final Incoming incoming;

  // From here on only the loop's thread.
  private @Nullable InPlace inPlace;
  private boolean readRequested;
  private boolean inTurn;
  private boolean delivered;
  private boolean turnAwaited;
  private boolean gone;

  /// The server's end of an accepted connection.
  DescriptorChannel(Channel parent, Framing framing, int descriptor) {
    super(parent, new Socket(descriptor), READING, true);
    this.incoming = new Incoming(framing, alloc());
  }

  /// A client's end that is still to be connected.
  DescriptorChannel(Framing framing) {
    super(null, Socket.newSocketDomain(), READING, false);
    this.incoming = new Incoming(framing, alloc());
  }

  /// Has messages answered in place from now on.
  void answerInPlace(InPlace answers) {
    inPlace = answers;
  }

  // Reading

  @Override
  void ready(EpollIoOps events) {
    gone |= isGone(events);
    boolean ends = gone || events.contains(EpollIoOps.EPOLLRDHUP);
    if (!ends && !events.contains(EpollIoOps.EPOLLIN)) {
      return;
    }
    if (parent() != null && (ends || !incoming.hasBegun())) {
      ignoreReading();
      awaitTurn();
    } else {
      takeTurnOrClose();
    }
  }

  private void takeTurnOrClose() {
    if (gone && !mayRead()) {
      unsafe().close(voidPromise());
    } else {
      takeTurn();
    }
  }

  /// Delivers what waits, and receives more until there is no more, or the turn is over.
  private void takeTurn() {
    LoopMemory memory = LoopMemory.current();
    boolean ended = false;
    inTurn = true;
    try {
      ended = !deliver(memory);
      sendReplies(memory);
    } catch (IOException e) {
      ended = true;
      pipeline().fireExceptionCaught(e);
    } catch (OutOfMemoryError e) {
      // What this peer sends has no room, which is no reason to end the loop of all the others.
      ended = true;
      pipeline().fireExceptionCaught(new IOException("There is no memory for a message.", e));
    } finally {
      memory.reply.clear();
      inTurn = false;
      incoming.keep(memory);
    }
    if (delivered) {
      delivered = false;
      pipeline().fireChannelReadComplete();
    }
    if (ended) {
      unsafe().close(voidPromise());
    } else if (isOpen()) {
      if (!wantsToRead() || incoming.isBroken()) {
        ignoreReading();
      } else {
        watchForReading();
        if (incoming.hasMessage()) {
          awaitTurn();
        }
      }
    }
  }

  /// @return whether the peer has not ended the stream
  private boolean deliver(LoopMemory memory) throws IOException {
    long end = System.nanoTime() + TURN_NANOS;
    int messages = 0;
    boolean dry = false;
    while (mayRead() && (messages == 0 || System.nanoTime() - end < 0)) {
      if (incoming.hasMessage()) {
        deliverNext(memory);
        messages++;
      } else if (dry || messages >= MESSAGES_PER_TURN) {
        break;
      } else {
        if (checked(incoming.receive(socket().intValue(), memory), "recvmsg") == 0) {
          return false;
        }
        dry = !incoming.wasFilled();
      }
    }
    return true;
  }

  private void deliverNext(LoopMemory memory) throws IOException {
    readRequested = false;
    InPlace answers = inPlace;
    if (answers != null && unsafe().outboundBuffer().totalPendingWriteBytes() == 0) {
      if (memory.isCrowded()) {
        sendReplies(memory);
      }
      if (incoming.answer(answers, memory)) {
        return;
      }
    }
    sendReplies(memory);
    delivered = true;
    pipeline().fireChannelRead(incoming.next(memory));
  }

  private boolean mayRead() {
    return isOpen() && !incoming.isBroken() && wantsToRead();
  }

  private boolean wantsToRead() {
    return readRequested || config().isAutoRead();
  }

  @Override
  protected void doBeginRead() {
    readRequested = true;
    if (!incoming.isBroken()) {
      watchForReading();
      if (incoming.hasMessage() && !inTurn) {
        awaitTurn();
      }
    }
  }

  @Override
  void readingStopped() {
    readRequested = false;
  }

  /// Goes on later: with messages that are here already, of which the kernel will not tell, or with
  /// the first one or the end, which cost more than others do.
  private void awaitTurn() {
    if (!turnAwaited) {
      turnAwaited = true;
      LaterTurns.add(
          eventLoop(),
          () -> {
            turnAwaited = false;
            if (isOpen() && (gone || mayRead())) {
              takeTurnOrClose();
            }
          });
    }
  }

  // Writing

  @Override
  protected Object filterOutboundMessage(Object message) throws Exception {
    return switch (message) {
      case ByteBuf bytes -> bytes.isDirect() && bytes.nioBufferCount() == 1 ? bytes : direct(bytes);
      case Packet packet
          when packet.bytes().isDirect()
              && packet.bytes().isReadable()
              && packet.descriptors().count() <= SocketCalls.MAX_DESCRIPTORS ->
          packet;
      default -> throw new UnsupportedOperationException("Not to be written: " + message);
    };
  }

  private ByteBuf direct(ByteBuf bytes) {
    try {
      return alloc().directBuffer(bytes.readableBytes()).writeBytes(bytes);
    } finally {
      ReferenceCountUtil.safeRelease(bytes);
    }
  }

  @Override
  protected void doWrite(ChannelOutboundBuffer outbound) throws Exception {
    for (Object message; (message = outbound.current()) != null; ) {
      boolean written =
          switch (message) {
            case Packet packet -> writePacket(outbound, packet);
            default -> writeBytes(outbound);
          };
      if (!written) {
        gainInterest(EpollIoOps.EPOLLOUT);
        return;
      }
    }
    loseInterest(EpollIoOps.EPOLLOUT);
  }

  /// Writes the bytes at the head of the queue, up to the next packet.
  private boolean writeBytes(ChannelOutboundBuffer outbound) throws Exception {
    List<MemorySegment> pieces = new ArrayList<>();
    outbound.forEachFlushedMessage(message -> {
      if (!(message instanceof ByteBuf bytes)) {
        return false;
      }
      if (bytes.isReadable()) {
        pieces.add(readable(bytes));
      }
      return pieces.size() < SocketCalls.MAX_PIECES;
    });
    int length = pieces.isEmpty() ? 0 : send(pieces);
    if (length < 0) {
      return false;
    }
    outbound.removeBytes(length);
    return true;
  }

  private boolean writePacket(ChannelOutboundBuffer outbound, Packet packet) throws IOException {
    ByteBuf bytes = packet.bytes();
    int length = send(List.of(readable(bytes)), packet.descriptors().numbers());
    if (length < 0) {
      return false;
    }
    packet.descriptors().close();
    bytes.skipBytes(length);
    if (!bytes.isReadable()) {
      outbound.remove();
    }
    return true;
  }

  /// Sends what was answered in place; what the peer has no room for waits as any other bytes do.
  private void sendReplies(LoopMemory memory) throws IOException {
    int length = memory.reply.position();
    memory.reply.clear();
    if (length == 0 || !isOpen()) {
      return;
    }
    int sent = checked(memory.calls.send(socket().intValue(), memory.replies, length), "sendmsg");
    int from = Math.max(sent, 0);
    if (from < length) {
      ByteBuf rest = alloc().directBuffer(length - from);
      rest.writeBytes(memory.reply.slice(from, length - from));
      unsafe().write(rest, voidPromise());
      unsafe().flush();
    }
  }

  /// The number of bytes sent, or a negative number if there is no room for any.
  private int send(List<MemorySegment> pieces, int... descriptors) throws IOException {
    return checked(SocketCalls.current().send(socket().intValue(), pieces, descriptors), "sendmsg");
  }

  private static int checked(int length, String call) throws IOException {
    if (length < 0 && length != -EAGAIN) {
      throw new IOException(call + " failed with errno " + -length);
    }
    return length;
  }

  private static MemorySegment readable(ByteBuf bytes) {
    return MemorySegment.ofBuffer(
        bytes.internalNioBuffer(bytes.readerIndex(), bytes.readableBytes()));
  }

  // Life cycle

  @Override
  void connectTo(SocketAddress remote) throws IOException {
    if (isActive()) {
      throw new AlreadyConnectedException();
    }
    // A Unix socket connects at once or not at all: a full backlog is EAGAIN, never a wait.
    if (!socket().connect(remote)) {
      throw new IOException("The server at " + remote + " has too many callers waiting.");
    }
  }

  @Override
  protected void doBind(SocketAddress address) {
    throw new UnsupportedOperationException("A connection is not bound.");
  }

  @Override
  protected void doClose() throws Exception {
    super.doClose();
    incoming.close();
  }

  @Override
  protected SocketAddress remoteAddress0() {
    DomainSocketAddress remote = socket().remoteDomainSocketAddress();
    return remote == null ? new DomainSocketAddress("") : remote;
  }

  @Override
  public ChannelMetadata metadata() {
    return METADATA;
  }
}
