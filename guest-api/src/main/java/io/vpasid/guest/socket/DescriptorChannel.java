package io.vpasid.guest.socket;

import io.netty.buffer.ByteBuf;
import io.netty.channel.AbstractChannel;
import io.netty.channel.Channel;
import io.netty.channel.ChannelConfig;
import io.netty.channel.ChannelMetadata;
import io.netty.channel.ChannelOutboundBuffer;
import io.netty.channel.ChannelPromise;
import io.netty.channel.DefaultChannelConfig;
import io.netty.channel.EventLoop;
import io.netty.channel.IoEvent;
import io.netty.channel.IoEventLoop;
import io.netty.channel.IoRegistration;
import io.netty.channel.epoll.EpollIoEvent;
import io.netty.channel.epoll.EpollIoHandle;
import io.netty.channel.epoll.EpollIoOps;
import io.netty.channel.unix.DomainSocketAddress;
import io.netty.channel.unix.FileDescriptor;
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
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;

/// A connected Unix stream socket that reads [Packet]s, descriptors included, and writes packets or
/// plain bytes.
///
/// Stream sockets keep descriptors next to the bytes that they were sent with, but one `recvmsg`
/// may return the tail of an earlier message together with the next one and its descriptors. So the
/// channel reads exactly a header, then exactly the body that the header announces: descriptors
/// that come with the header's bytes belong to its message, and those that come with a body belong
/// to nobody and are closed.
///
/// Reads stop between packets as soon as auto-read is off, so no packet waits in memory for a
/// consumer that is behind. A peer that is gone is noticed all the same.
final class DescriptorChannel extends AbstractChannel {
  private static final ChannelMetadata METADATA = new ChannelMetadata(false, 16);

  private static final int EAGAIN = Errno.EAGAIN.number();

  /// Packets after which other channels of the loop get their turn.
  private static final int PACKETS_PER_TURN = 16;

  /// Time after which they get it, whatever the packets ask for.
  private static final long TURN_NANOS = 1_000_000;

  /// Bytes for which a packet's buffer has room before its length is known.
  private static final int USUAL_LENGTH = 64;

  /// Bytes that it grows to at least when they are not enough.
  private static final int LEAST_GROWTH = 4096;

  private static final EpollIoOps EPOLLHUP = EpollIoOps.valueOf(0x10);

  /// What is watched always. Never nothing: Netty then forgets the descriptor for good.
  private static final EpollIoOps IDLE = EpollIoOps.EPOLLERR;

  private static final EpollIoOps READING = EpollIoOps.EPOLLIN.with(EpollIoOps.EPOLLRDHUP);

  private final ChannelConfig config = new Config();
  private final Framing framing;
  private final Socket socket;
  private volatile boolean active;

  // From here on only the loop's thread.
  private @Nullable IoRegistration registration;
  private EpollIoOps interest = IDLE;
  private @Nullable ByteBuf incoming;
  private final List<FileDescriptor> incomingDescriptors = new ArrayList<>();
  private final List<FileDescriptor> arrived = new ArrayList<>();
  private final IntConsumer arrival = this::descriptorArrived;
  private int expected;
  private boolean begun;
  private boolean broken;
  private boolean readRequested;

  /// The server's end of an accepted connection.
  DescriptorChannel(Channel parent, Framing framing, int descriptor) {
    super(parent);
    this.framing = framing;
    this.socket = new Socket(descriptor);
    this.active = true;
  }

  /// A client's end that is still to be connected.
  DescriptorChannel(Framing framing) {
    super(null);
    this.framing = framing;
    this.socket = Socket.newSocketDomain();
  }

  /// The socket, for options that Netty has no name for.
  Socket socket() {
    return socket;
  }

  // Reading

  private void readReady() {
    SocketCalls calls = SocketCalls.current();
    int packets = 0;
    boolean ended = false;
    long end = System.nanoTime() + TURN_NANOS;
    try {
      while (!ended
          && packets < PACKETS_PER_TURN
          && mayRead()
          && (packets == 0 || System.nanoTime() - end < 0)) {
        ByteBuf target = incoming == null ? beginPacket() : incoming;
        int length = calls.receive(socket.intValue(), unfilled(target), arrival);
        if (length == -EAGAIN) {
          break;
        }
        if (length < 0) {
          throw new IOException("recvmsg failed with errno " + -length);
        }
        keepDescriptors(target);
        ended = length == 0;
        target.writerIndex(target.writerIndex() + length);
        if (target.writerIndex() == expected && completePacket(target)) {
          packets++;
        }
      }
    } catch (IOException e) {
      ended = true;
      pipeline().fireExceptionCaught(e);
    } catch (OutOfMemoryError e) {
      // What this peer sends has no room, which is no reason to end the loop of all the others.
      ended = true;
      pipeline().fireExceptionCaught(new IOException("There is no memory for a message.", e));
    }
    if (packets > 0) {
      pipeline().fireChannelReadComplete();
    }
    if (ended) {
      unsafe().close(voidPromise());
    } else if (isOpen() && !wantsToRead()) {
      loseInterest(READING);
    }
  }

  private void descriptorArrived(int number) {
    arrived.add(new FileDescriptor(number));
  }

  private boolean mayRead() {
    return isOpen() && !broken && wantsToRead();
  }

  private boolean wantsToRead() {
    return readRequested || config.isAutoRead();
  }

  private ByteBuf beginPacket() {
    expected = framing.headerLength();
    ByteBuf packet = alloc().directBuffer(Math.max(expected, USUAL_LENGTH));
    incoming = packet;
    return packet;
  }

  /// Room for bytes that have not come. There is more of it the more have come: what a header
  /// announces takes no memory.
  private MemorySegment unfilled(ByteBuf target) {
    int filled = target.writerIndex();
    if (filled == target.capacity()) {
      target.capacity(Math.min(expected, Math.max(2 * filled, LEAST_GROWTH)));
    }
    int room = Math.min(expected, target.capacity()) - filled;
    return MemorySegment.ofBuffer(target.internalNioBuffer(filled, room));
  }

  /// Gives what has arrived to the packet while its header is read, and to nobody afterwards.
  private void keepDescriptors(ByteBuf target) throws IOException {
    if (arrived.isEmpty()) {
      return;
    }
    boolean header = target.writerIndex() < framing.headerLength();
    if (header && incomingDescriptors.size() + arrived.size() <= SocketCalls.MAX_DESCRIPTORS) {
      incomingDescriptors.addAll(arrived);
      arrived.clear();
      return;
    }
    arrived.forEach(Descriptors::close);
    arrived.clear();
    if (header) {
      throw new IOException(
          "More than " + SocketCalls.MAX_DESCRIPTORS + " descriptors came with one message.");
    }
  }

  /// Goes on from header to body, or delivers.
  ///
  /// @return whether a packet was delivered
  private boolean completePacket(ByteBuf target) {
    int headerLength = framing.headerLength();
    if (expected == headerLength) {
      ByteBuf header = target.slice(0, headerLength);
      int length = begun ? framing.messageLength(header) : framing.firstMessageLength(header);
      if (length > headerLength) {
        expected = length;
        return false;
      }
      broken = length < headerLength;
    }
    Descriptors descriptors = Descriptors.of(incomingDescriptors);
    incomingDescriptors.clear();
    incoming = null;
    begun = true;
    readRequested = false;
    if (broken) {
      loseInterest(READING);
    }
    pipeline().fireChannelRead(new Packet(target, descriptors));
    return true;
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

  /// The number of bytes sent, or a negative number if there is no room for any.
  private int send(List<MemorySegment> pieces, int... descriptors) throws IOException {
    int length = SocketCalls.current().send(socket.intValue(), pieces, descriptors);
    if (length < 0 && length != -EAGAIN) {
      throw new IOException("sendmsg failed with errno " + -length);
    }
    return length;
  }

  private static MemorySegment readable(ByteBuf bytes) {
    return MemorySegment.ofBuffer(
        bytes.internalNioBuffer(bytes.readerIndex(), bytes.readableBytes()));
  }

  // What epoll watches

  private void gainInterest(EpollIoOps ops) {
    watch(interest.with(ops));
  }

  private void loseInterest(EpollIoOps ops) {
    watch(interest.without(ops));
  }

  private void watch(EpollIoOps ops) {
    if (!ops.equals(interest) && registration != null && registration.isValid()) {
      interest = ops;
      registration.submit(ops);
    }
  }

  private final class Unsafe extends AbstractUnsafe implements EpollIoHandle {
    @Override
    public FileDescriptor fd() {
      return socket;
    }

    @Override
    public void handle(IoRegistration source, IoEvent event) {
      EpollIoOps ops = ((EpollIoEvent) event).ops();
      // Nothing more can be sent to a peer that is gone; what waits to be sent finds that out.
      boolean gone = ops.contains(EPOLLHUP) || ops.contains(EpollIoOps.EPOLLERR);
      if (gone || ops.contains(EpollIoOps.EPOLLOUT)) {
        flush0();
      }
      if (isOpen() && gone && !mayRead()) {
        close(voidPromise());
      } else if (isOpen()
          && (gone || ops.contains(EpollIoOps.EPOLLIN) || ops.contains(EpollIoOps.EPOLLRDHUP))) {
        readReady();
      }
    }

    @Override
    public void close() {
      close(voidPromise());
    }

    @Override
    public void connect(SocketAddress remote, SocketAddress local, ChannelPromise promise) {
      if (!promise.setUncancellable() || !ensureOpen(promise)) {
        return;
      }
      try {
        if (active) {
          throw new AlreadyConnectedException();
        }
        // A Unix socket connects at once or not at all: a full backlog is EAGAIN, never a wait.
        if (!socket.connect(remote)) {
          throw new IOException("The server at " + remote + " has too many callers waiting.");
        }
        active = true;
        safeSetSuccess(promise);
        pipeline().fireChannelActive();
      } catch (IOException | RuntimeException e) {
        safeSetFailure(promise, e);
        close(voidPromise());
      }
    }
  }

  private final class Config extends DefaultChannelConfig {
    Config() {
      super(DescriptorChannel.this);
    }

    @Override
    protected void autoReadCleared() {
      if (isRegistered() && eventLoop().inEventLoop()) {
        readRequested = false;
        loseInterest(READING);
      }
    }
  }

  // Life cycle

  @Override
  protected AbstractUnsafe newUnsafe() {
    return new Unsafe();
  }

  @Override
  protected boolean isCompatible(EventLoop loop) {
    return loop instanceof IoEventLoop io && io.isCompatible(EpollIoHandle.class);
  }

  @Override
  protected void doRegister(ChannelPromise promise) {
    ((IoEventLoop) eventLoop())
        .register((EpollIoHandle) unsafe())
        .addListener(registered -> {
          if (registered.isSuccess()) {
            registration = (IoRegistration) registered.getNow();
            promise.setSuccess();
          } else {
            promise.setFailure(registered.cause());
          }
        });
  }

  @Override
  protected void doDeregister() {
    if (registration != null) {
      registration.cancel();
    }
  }

  @Override
  protected void doBeginRead() {
    readRequested = true;
    if (!broken) {
      gainInterest(READING);
    }
  }

  @Override
  protected void doClose() throws Exception {
    active = false;
    doDeregister();
    socket.close();
    if (incoming != null) {
      incoming.release();
      incoming = null;
    }
    incomingDescriptors.forEach(Descriptors::close);
    incomingDescriptors.clear();
  }

  @Override
  protected void doDisconnect() throws Exception {
    doClose();
  }

  @Override
  protected void doBind(SocketAddress address) {
    throw new UnsupportedOperationException("A connection is not bound.");
  }

  @Override
  protected SocketAddress localAddress0() {
    return socket.localDomainSocketAddress();
  }

  @Override
  protected SocketAddress remoteAddress0() {
    DomainSocketAddress remote = socket.remoteDomainSocketAddress();
    return remote == null ? new DomainSocketAddress("") : remote;
  }

  @Override
  public ChannelConfig config() {
    return config;
  }

  @Override
  public boolean isOpen() {
    return socket.isOpen();
  }

  @Override
  public boolean isActive() {
    return active && isOpen();
  }

  @Override
  public ChannelMetadata metadata() {
    return METADATA;
  }
}
