package io.vpasid.guest.socket;

import io.netty.channel.Channel;
import java.net.InetSocketAddress;
import java.util.concurrent.TimeUnit;

/// A TCP port of the loopback address that is listened on. Anybody on this machine may connect.
public final class PortListener implements AutoCloseable {
  private static final long CLOSE_SECONDS = 10;

  private final Channel channel;

  PortListener(Channel channel) {
    this.channel = channel;
  }

  /// The port.
  public int port() {
    return ((InetSocketAddress) channel.localAddress()).getPort();
  }

  /// Stops listening. Connections that were accepted live on.
  @Override
  public void close() {
    var _ = channel.close().awaitUninterruptibly(CLOSE_SECONDS, TimeUnit.SECONDS);
  }
}
