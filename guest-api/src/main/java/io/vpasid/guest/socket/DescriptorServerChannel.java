package io.vpasid.guest.socket;

import io.netty.channel.ChannelMetadata;
import io.netty.channel.ChannelOutboundBuffer;
import io.netty.channel.ServerChannel;
import io.netty.channel.epoll.EpollIoOps;
import java.io.IOException;
import java.net.SocketAddress;
import org.jspecify.annotations.Nullable;

/// A listening Unix socket whose connections are [DescriptorChannel]s.
///
/// Its path is created with mode 0600.
final class DescriptorServerChannel extends UnixChannel implements ServerChannel {
  /// Connections that the kernel holds until they are accepted.
  static final int BACKLOG = 16;

  private static final int ADDRESS_LENGTH = 128;
  private static final ChannelMetadata METADATA = new ChannelMetadata(false, BACKLOG);

  private final Framing framing;
  private boolean turnAwaited;

  DescriptorServerChannel(Framing framing) {
    super(null, SocketKind.ownersSocket(), EpollIoOps.EPOLLIN, false);
    this.framing = framing;
  }

  @Override
  void ready(EpollIoOps events) {
    if (!turnAwaited) {
      turnAwaited = true;
      ignoreReading();
      LaterTurns.add(eventLoop(), this::accept);
    }
  }

  /// Accepts one of the callers that wait. The next gets another turn, behind those of the loop's
  /// other listeners.
  private void accept() {
    turnAwaited = false;
    if (!isOpen() || !config().isAutoRead()) {
      return;
    }
    try {
      int descriptor = socket().accept(new byte[ADDRESS_LENGTH]);
      if (descriptor >= 0) {
        pipeline().fireChannelRead(new DescriptorChannel(this, framing, descriptor));
        pipeline().fireChannelReadComplete();
      } else {
        watchForReading();
      }
    } catch (IOException e) {
      pipeline().fireExceptionCaught(e);
    }
  }

  @Override
  void connectTo(SocketAddress remote) {
    throw new UnsupportedOperationException("A listening socket does not connect.");
  }

  @Override
  void readingStopped() {}

  @Override
  protected void doBeginRead() {
    watchForReading();
  }

  @Override
  protected void doBind(SocketAddress address) throws Exception {
    socket().bind(address);
    socket().listen(BACKLOG);
    setActive();
  }

  @Override
  protected void doWrite(ChannelOutboundBuffer outbound) {
    throw new UnsupportedOperationException("A listening socket sends nothing.");
  }

  @Override
  protected @Nullable SocketAddress remoteAddress0() {
    return null;
  }

  @Override
  public ChannelMetadata metadata() {
    return METADATA;
  }
}
