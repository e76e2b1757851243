package io.vpasid.guest.socket;

import io.netty.channel.AbstractChannel;
import io.netty.channel.Channel;
import io.netty.channel.ChannelConfig;
import io.netty.channel.ChannelPromise;
import io.netty.channel.DefaultChannelConfig;
import io.netty.channel.EventLoop;
import io.netty.channel.IoEvent;
import io.netty.channel.IoEventLoop;
import io.netty.channel.IoRegistration;
import io.netty.channel.epoll.EpollIoEvent;
import io.netty.channel.epoll.EpollIoHandle;
import io.netty.channel.epoll.EpollIoOps;
import io.netty.channel.unix.FileDescriptor;
import io.netty.channel.unix.Socket;
import java.net.SocketAddress;
import org.jspecify.annotations.Nullable;

/// A Unix socket, listening or connected, that Netty's epoll loop watches: how it gets onto its
/// loop and off again, and which events the loop looks for.
abstract class UnixChannel extends AbstractChannel {
  /// What is watched always. Never nothing: Netty then forgets the descriptor for good.
  private static final EpollIoOps IDLE = EpollIoOps.EPOLLERR;

  private static final EpollIoOps EPOLLHUP = EpollIoOps.valueOf(0x10);

  private final ChannelConfig config = new Config();
  private final Socket socket;
  private final EpollIoOps reading;
  private volatile boolean active;

  // From here on only the loop's thread.
  private @Nullable IoRegistration registration;
  private EpollIoOps interest = IDLE;

  /// A socket that is watched for nothing yet.
  ///
  /// @param reading events for which it is watched while something is to be read
  /// @param active whether it is connected already
  UnixChannel(@Nullable Channel parent, Socket socket, EpollIoOps reading, boolean active) {
    super(parent);
    this.socket = socket;
    this.reading = reading;
    this.active = active;
  }

  /// The socket, for options that Netty has no name for.
  final Socket socket() {
    return socket;
  }

  /// Does what can be done after these events.
  abstract void ready(EpollIoOps events);

  /// Connects; called on the loop.
  abstract void connectTo(SocketAddress remote) throws Exception;

  /// Auto-read was switched off, on the loop.
  abstract void readingStopped();

  final void setActive() {
    active = true;
  }

  final void watchForReading() {
    gainInterest(reading);
  }

  final void ignoreReading() {
    loseInterest(reading);
  }

  final void gainInterest(EpollIoOps ops) {
    watch(interest.with(ops));
  }

  final void loseInterest(EpollIoOps ops) {
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
      EpollIoOps events = ((EpollIoEvent) event).ops();
      // Nothing more can be sent to a peer that is gone; what waits to be sent finds that out.
      if (events.contains(EpollIoOps.EPOLLOUT) || isGone(events)) {
        flush0();
      }
      if (isOpen()) {
        ready(events);
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
        connectTo(remote);
        active = true;
        safeSetSuccess(promise);
        pipeline().fireChannelActive();
      } catch (Exception e) {
        safeSetFailure(promise, e);
        close(voidPromise());
      }
    }
  }

  /// True if these events say that the peer neither sends nor takes anything any more.
  static boolean isGone(EpollIoOps events) {
    return events.contains(EPOLLHUP) || events.contains(EpollIoOps.EPOLLERR);
  }

  private final class Config extends DefaultChannelConfig {
    Config() {
      super(UnixChannel.this);
    }

    @Override
    protected void autoReadCleared() {
      if (isRegistered() && eventLoop().inEventLoop()) {
        readingStopped();
        ignoreReading();
      }
    }
  }

  @Override
  protected final AbstractUnsafe newUnsafe() {
    return new Unsafe();
  }

  @Override
  protected final boolean isCompatible(EventLoop loop) {
    return loop instanceof IoEventLoop io && io.isCompatible(EpollIoHandle.class);
  }

  @Override
  protected final void doRegister(ChannelPromise promise) {
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
  protected final void doDeregister() {
    if (registration != null) {
      registration.cancel();
    }
  }

  @Override
  protected void doClose() throws Exception {
    active = false;
    doDeregister();
    socket.close();
  }

  @Override
  protected final void doDisconnect() throws Exception {
    doClose();
  }

  @Override
  protected final SocketAddress localAddress0() {
    return socket.localDomainSocketAddress();
  }

  @Override
  public final ChannelConfig config() {
    return config;
  }

  @Override
  public final boolean isOpen() {
    return socket.isOpen();
  }

  @Override
  public final boolean isActive() {
    return active && isOpen();
  }
}
