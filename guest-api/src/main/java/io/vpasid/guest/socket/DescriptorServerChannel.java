package io.vpasid.guest.socket;

import io.netty.channel.AbstractServerChannel;
import io.netty.channel.ChannelConfig;
import io.netty.channel.ChannelPromise;
import io.netty.channel.DefaultChannelConfig;
import io.netty.channel.EventLoop;
import io.netty.channel.IoEvent;
import io.netty.channel.IoEventLoop;
import io.netty.channel.IoRegistration;
import io.netty.channel.epoll.EpollIoHandle;
import io.netty.channel.epoll.EpollIoOps;
import io.netty.channel.unix.FileDescriptor;
import io.netty.channel.unix.Socket;
import io.vpasid.vmm.linux.calls.SocketCalls;
import java.io.IOException;
import java.net.SocketAddress;
import org.jspecify.annotations.Nullable;

/// A listening Unix socket whose connections are [DescriptorChannel]s.
///
/// Its path is created with mode 0600, whatever the umask allows.
final class DescriptorServerChannel extends AbstractServerChannel {
  /// Connections that the kernel holds until they are accepted.
  static final int BACKLOG = 16;

  /// Mode of a socket that others than its owner cannot open.
  static final int OWNER_ONLY = 0600;

  private static final int ADDRESS_LENGTH = 128;

  private final ChannelConfig config = new Config();
  private final Framing framing;
  private final Socket socket = Socket.newSocketDomain();
  private @Nullable IoRegistration registration;
  private volatile boolean active;

  DescriptorServerChannel(Framing framing) {
    this.framing = framing;
  }

  private void acceptReady() {
    boolean accepted = false;
    try {
      // The callers that wait now, and no more than the backlog: the rest gets the next turn.
      for (int i = 0; i < BACKLOG && isOpen() && config.isAutoRead(); i++) {
        int descriptor = socket.accept(new byte[ADDRESS_LENGTH]);
        if (descriptor < 0) {
          break;
        }
        accepted = true;
        pipeline().fireChannelRead(new DescriptorChannel(this, framing, descriptor));
      }
    } catch (IOException e) {
      pipeline().fireExceptionCaught(e);
    }
    if (accepted) {
      pipeline().fireChannelReadComplete();
    }
  }

  private void watch(EpollIoOps ops) {
    if (registration != null && registration.isValid()) {
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
      acceptReady();
    }

    @Override
    public void close() {
      close(voidPromise());
    }

    @Override
    public void connect(SocketAddress remote, SocketAddress local, ChannelPromise promise) {
      promise.setFailure(new UnsupportedOperationException("A listening socket does not connect."));
    }
  }

  private final class Config extends DefaultChannelConfig {
    Config() {
      super(DescriptorServerChannel.this);
    }

    @Override
    protected void autoReadCleared() {
      if (isRegistered() && eventLoop().inEventLoop()) {
        // Never nothing: Netty then forgets the descriptor for good.
        watch(EpollIoOps.EPOLLERR);
      }
    }
  }

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
    watch(EpollIoOps.EPOLLIN);
  }

  @Override
  protected void doBind(SocketAddress address) throws Exception {
    int changed = SocketCalls.current().changeMode(socket.intValue(), OWNER_ONLY);
    if (changed < 0) {
      throw new IOException("fchmod of a socket failed with errno " + -changed);
    }
    socket.bind(address);
    socket.listen(BACKLOG);
    active = true;
  }

  @Override
  protected void doClose() throws Exception {
    active = false;
    doDeregister();
    socket.close();
  }

  @Override
  protected SocketAddress localAddress0() {
    return socket.localDomainSocketAddress();
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
}
