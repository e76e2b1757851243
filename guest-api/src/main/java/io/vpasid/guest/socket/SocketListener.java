package io.vpasid.guest.socket;

import io.netty.channel.Channel;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// A listening Unix socket.
///
/// Its path has mode 0600 before the first connection is accepted, and is removed when the listener
/// is closed. Connections that were accepted live on; whoever accepted them closes them.
public final class SocketListener implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(SocketListener.class);
  private static final long CLOSE_SECONDS = 10;

  private final Channel channel;
  private final SocketPath path;

  SocketListener(Channel channel, SocketPath path) {
    this.channel = channel;
    this.path = path;
  }

  /// Takes a connection over.
  @FunctionalInterface
  public interface Acceptor {
    /// Called on the connection's loop before anything is read from it. The acceptor adds its
    /// handlers to the pipeline, or closes the channel.
    ///
    /// @param channel the connection; what it delivers are [Packet]s, or bytes if it was listened
    ///   to without a framing
    /// @param peer who connected
    /// @param owner id of the user who owns the socket: that of this process
    void accepted(Channel channel, PeerCredentials peer, int owner);
  }

  /// Removes the path and stops listening; waits until the loop has done so, 10 seconds at most. A
  /// second call does nothing.
  @Override
  public void close() {
    if (channel.isOpen()) {
      // The path goes first: as long as the socket is open, no other server takes it for a stale
      // one.
      path.remove();
    }
    if (!channel.close().awaitUninterruptibly(CLOSE_SECONDS, TimeUnit.SECONDS)) {
      LOG.warn("The thread that serves {} is still busy and is left behind.", path.path());
    }
  }
}
