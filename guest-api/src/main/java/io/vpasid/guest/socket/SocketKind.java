package io.vpasid.guest.socket;

import io.netty.channel.Channel;
import io.netty.channel.IoHandlerFactory;
import io.netty.channel.ServerChannel;
import io.netty.channel.epoll.EpollDomainSocketChannel;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollServerDomainSocketChannel;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioDomainSocketChannel;
import io.netty.channel.socket.nio.NioServerDomainSocketChannel;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.channel.unix.DomainSocketAddress;
import io.netty.channel.unix.Socket;
import io.vpasid.vmm.linux.calls.SocketCalls;
import io.vpasid.vmm.linux.calls.SystemCalls;
import java.net.SocketAddress;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.spi.SelectorProvider;
import java.nio.file.Path;
import java.time.Duration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// The ways in which Unix sockets can be reached, best first. Where one does not say otherwise it
/// does as [#EPOLL].
public enum SocketKind {
  /// Netty's epoll loop with channels of our own, through which file descriptors pass.
  DESCRIPTORS(true) {
    @Override
    public boolean available() {
      return EpollLibrary.isAvailable() && NativeCalls.AVAILABLE;
    }

    @Override
    ServerChannel newServerChannel(Framing framing) {
      return new DescriptorServerChannel(framing);
    }

    @Override
    ServerChannel newByteServerChannel() {
      return new EpollServerDomainSocketChannel(ownersSocket().intValue());
    }

    @Override
    Channel newChannel(Framing framing) {
      return new DescriptorChannel(framing);
    }
  },

  /// Netty's epoll channels. Descriptors that a peer sends are dropped by the kernel, unseen.
  EPOLL(false) {
    @Override
    public boolean available() {
      return EpollLibrary.isAvailable();
    }
  },

  /// The JDK's own channels, without native code. Descriptors are dropped as with [#EPOLL].
  NIO(false) {
    @Override
    public boolean available() {
      return true;
    }

    @Override
    IoHandlerFactory handlerFactory(Duration busyPoll) {
      return NioIoHandler.newFactory(SelectorProvider.provider(), BusyPoll.factory(busyPoll));
    }

    @Override
    ServerChannel newByteServerChannel() {
      return new NioServerDomainSocketChannel();
    }

    @Override
    ServerChannel newPortServerChannel() {
      return new NioServerSocketChannel();
    }

    @Override
    Channel newChannel(Framing framing) {
      return new NioDomainSocketChannel();
    }

    @Override
    SocketAddress address(Path path) {
      return UnixDomainSocketAddress.of(path);
    }
  };

  /// Mode of a socket that others than its owner cannot open.
  private static final int OWNER_ONLY = 0600;

  private static final Logger LOG = LoggerFactory.getLogger(SocketKind.class);

  private final boolean carriesDescriptors;

  SocketKind(boolean carriesDescriptors) {
    this.carriesDescriptors = carriesDescriptors;
  }

  /// The first kind that is available on this machine, with the native access that this JVM grants.
  public static SocketKind best() {
    for (SocketKind kind : values()) {
      if (kind.available()) {
        if (!kind.carriesDescriptors()) {
          Missing.say();
        }
        return kind;
      }
    }
    return NIO;
  }

  /// What is lost without descriptors, said once.
  private static final class Missing {
    static {
      LOG.warn(
          "Sockets pass no descriptors here: clients get no interrupts, and their memory is reached"
              + " by messages. {}",
          SystemCalls.obstacle().orElseGet(EpollLibrary::obstacle));
    }

    static void say() {}
  }

  /// True if this kind can be used here.
  public abstract boolean available();

  /// True if file descriptors pass in both directions.
  public boolean carriesDescriptors() {
    return carriesDescriptors;
  }

  IoHandlerFactory handlerFactory(Duration busyPoll) {
    return EpollIoHandler.newFactory(0, BusyPoll.factory(busyPoll));
  }

  ServerChannel newServerChannel(Framing framing) {
    return newByteServerChannel();
  }

  /// For connections that deliver bytes as they come, without packets and descriptors.
  ServerChannel newByteServerChannel() {
    return new EpollServerDomainSocketChannel();
  }

  /// For a TCP port.
  ServerChannel newPortServerChannel() {
    return new EpollServerSocketChannel();
  }

  Channel newChannel(Framing framing) {
    return new EpollDomainSocketChannel();
  }

  SocketAddress address(Path path) {
    return new DomainSocketAddress(path.toString());
  }

  /// Whether this process can make native calls, found out once.
  private static final class NativeCalls {
    static final boolean AVAILABLE = SystemCalls.obstacle().isEmpty();
  }

  /// A socket whose path is its owner's alone from the moment on at which it is there, whatever the
  /// umask allows.
  static Socket ownersSocket() {
    Socket socket = Socket.newSocketDomain();
    int changed = SocketCalls.current().changeMode(socket.intValue(), OWNER_ONLY);
    if (changed < 0) {
      throw new IllegalStateException("fchmod of a socket failed with errno " + -changed);
    }
    return socket;
  }
}
