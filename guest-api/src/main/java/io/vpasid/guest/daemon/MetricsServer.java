package io.vpasid.guest.daemon;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.vpasid.guest.socket.PortListener;
import io.vpasid.guest.socket.SocketListener;
import io.vpasid.guest.socket.SocketLoops;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Serves the metrics by HTTP at `/metrics`: on a Unix socket, and on a port of the loopback
/// address if the configuration asks for one, the only network that the daemon is on.
///
/// Anybody on this machine may use the port. So a request has a few seconds and a few kilobytes,
/// and of many connections the oldest makes room for the newest: nobody keeps others from the
/// metrics, or takes the daemon's descriptors. A connection has one request.
final class MetricsServer implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(MetricsServer.class);

  /// Time that a connection may take, answer included.
  static final Duration TIME = Duration.ofSeconds(5);

  /// Most bytes of a request.
  private static final int LONGEST = 8192;

  private static final String END = "\r\n\r\n";

  private final int most;
  private final Supplier<String> metrics;
  private final ArrayDeque<Channel> connections = new ArrayDeque<>();
  private @Nullable SocketListener socket;
  private @Nullable PortListener port;

  private MetricsServer(int most, Supplier<String> metrics) {
    this.most = most;
    this.metrics = metrics;
  }

  /// Listens on a Unix socket.
  ///
  /// @param users ids of the users who may connect; if empty, the user of this process and root
  /// @param most connections at a time; of more the oldest is ended
  /// @throws IOException with a sentence that names the path, if it cannot be listened on
  static MetricsServer open(
      SocketLoops loops, Path path, Set<Integer> users, int most, Supplier<String> metrics)
      throws IOException {
    MetricsServer server = new MetricsServer(most, metrics);
    server.socket =
        loops.listen(
            path,
            (channel, peer, owner) -> {
              if (peer.isAmong(users, owner)) {
                server.accepted(channel);
              } else {
                LOG.warn("A connection to {} by {} is refused.", path, peer);
                var _ = channel.close();
              }
            });
    return server;
  }

  /// Listens on a port.
  ///
  /// @param port 0 for any that is free
  /// @param most connections at a time; of more the oldest is ended
  /// @throws IOException with a sentence that names the port, if it is taken
  static MetricsServer open(SocketLoops loops, int port, int most, Supplier<String> metrics)
      throws IOException {
    MetricsServer server = new MetricsServer(most, metrics);
    server.port = loops.listen(port, server::accepted);
    return server;
  }

  /// The port on which one of these listens; empty if none does.
  static Optional<Integer> portOf(List<MetricsServer> servers) {
    return servers.stream().map(MetricsServer::port).filter(port -> port > 0).findFirst();
  }

  /// The port on which it listens, if it does.
  int port() {
    PortListener listener = port;
    return listener == null ? -1 : listener.port();
  }

  // On the loop

  private void accepted(Channel channel) {
    synchronized (connections) {
      connections.removeIf(other -> !other.isOpen());
      if (connections.size() >= most) {
        var _ = connections.removeFirst().close();
      }
      connections.addLast(channel);
    }
    channel.pipeline().addLast(new Exchange());
  }

  /// One request and its answer.
  private final class Exchange extends ChannelInboundHandlerAdapter {
    private final ByteBuf request = Unpooled.buffer(256, LONGEST);

    @Override
    public void handlerAdded(ChannelHandlerContext context) {
      Channel channel = context.channel();
      var _ =
          channel.eventLoop().schedule(() -> end(channel), TIME.toMillis(), TimeUnit.MILLISECONDS);
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object read) {
      ByteBuf bytes = (ByteBuf) read;
      try {
        int length = Math.min(bytes.readableBytes(), request.maxWritableBytes());
        request.writeBytes(bytes, length);
      } finally {
        bytes.release();
      }
      boolean isWhole = request.toString(StandardCharsets.ISO_8859_1).contains(END);
      if (isWhole || request.maxWritableBytes() == 0) {
        context.channel().config().setAutoRead(false);
        context
            .writeAndFlush(Unpooled.wrappedBuffer(isWhole ? answer() : text(431, "too long\n")))
            .addListener(ChannelFutureListener.CLOSE);
      }
    }

    private byte[] answer() {
      String line = request.toString(StandardCharsets.ISO_8859_1).lines().findFirst().orElse("");
      String[] words = line.split(" ", -1);
      if (words.length != 3 || !words[2].startsWith("HTTP/1.")) {
        return text(400, "this is no request of HTTP/1\n");
      }
      String path = words[1].split("[?]", 2)[0];
      if (!path.equals("/metrics")) {
        return text(404, "see /metrics\n");
      }
      return switch (words[0]) {
        case "GET" -> response(200, Metrics.CONTENT_TYPE, metrics.get(), true);
        case "HEAD" -> response(200, Metrics.CONTENT_TYPE, metrics.get(), false);
        default -> text(405, "the metrics can only be read\n");
      };
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
      LOG.debug("A connection for metrics broke.", cause);
      var _ = context.close();
    }
  }

  private static void end(Channel channel) {
    var _ = channel.close();
  }

  private static byte[] text(int status, String body) {
    return response(status, "text/plain; charset=utf-8", body, true);
  }

  private static byte[] response(int status, String type, String body, boolean withBody) {
    byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
    String reason =
        switch (status) {
          case 200 -> "OK";
          case 400 -> "Bad Request";
          case 404 -> "Not Found";
          case 405 -> "Method Not Allowed";
          default -> "Request Header Fields Too Large";
        };
    String head =
        "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %d\r\nConnection: close\r\n%s\r\n"
            .formatted(
                status, reason, type, bytes.length, status == 405 ? "Allow: GET, HEAD\r\n" : "");
    byte[] header = head.getBytes(StandardCharsets.US_ASCII);
    byte[] all = new byte[header.length + (withBody ? bytes.length : 0)];
    System.arraycopy(header, 0, all, 0, header.length);
    System.arraycopy(bytes, 0, all, header.length, all.length - header.length);
    return all;
  }

  @Override
  public void close() {
    if (socket != null) {
      socket.close();
    }
    if (port != null) {
      port.close();
    }
    synchronized (connections) {
      for (Channel connection : connections) {
        var _ = connection.close();
      }
    }
  }
}
