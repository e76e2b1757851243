package io.vpasid.guest.daemon;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.vpasid.guest.config.SocketAccess;
import io.vpasid.guest.socket.PortListener;
import io.vpasid.guest.socket.SocketListener;
import io.vpasid.guest.socket.SocketLoops;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Answers requests of HTTP/1: on a Unix socket, or on a port of the loopback address if the
/// configuration asks for one, the only network that the daemon is on.
///
/// Anybody on this machine may use the port. So a request has a few seconds and a few kilobytes,
/// and of many connections the oldest makes room for the newest: nobody keeps others from an
/// answer, or takes the daemon's descriptors. A connection has one request.
final class HttpServer implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(HttpServer.class);

  /// Time that the other side has to ask, and again to read the answer unless that is a
  /// [Answer.Stream].
  static final Duration TIME = Duration.ofSeconds(5);

  /// Most bytes of a request.
  private static final int LONGEST = 8192;

  private static final String END = "\r\n\r\n";

  private final int most;
  private final Handler handler;
  private final ArrayDeque<Channel> connections = new ArrayDeque<>();
  private Runnable closeListener = () -> {};
  private int port = -1;

  /// A request.
  ///
  /// @param path without what stands behind a question mark
  /// @param host the value of its only Host header; empty if it has none or several
  /// @param port that it came to; 0 on a Unix socket
  record Request(String method, String path, String host, int port) {
    /// @return empty if it is no request of HTTP/1
    private static Optional<Request> parse(String text, int port) {
      List<String> lines = text.lines().takeWhile(line -> !line.isEmpty()).toList();
      String[] words = lines.isEmpty() ? new String[0] : lines.getFirst().split(" ", -1);
      if (words.length != 3 || !words[2].startsWith("HTTP/1.")) {
        return Optional.empty();
      }
      List<String> hosts =
          lines.stream()
              .filter(line -> line.regionMatches(true, 0, HOST, 0, HOST.length()))
              .map(line -> line.substring(HOST.length()).strip())
              .toList();
      return Optional.of(
          new Request(
              words[0],
              words[1].split("[?]", 2)[0],
              hosts.size() == 1 ? hosts.getFirst() : "",
              port));
    }

    private static final String HOST = "host:";
  }

  /// An answer.
  sealed interface Answer {

    /// One that is complete.
    ///
    /// @param headers further ones, each a line
    record Whole(int status, String type, String body, List<String> headers) implements Answer {
      static Whole text(int status, String body, String... headers) {
        return new Whole(status, "text/plain; charset=utf-8", body, List.of(headers));
      }
    }

    /// One that goes on until the connection ends.
    ///
    /// @param begin receives the connection behind the headers, on its loop
    record Stream(String type, List<String> headers, Consumer<Channel> begin) implements Answer {}
  }

  /// Answers requests.
  @FunctionalInterface
  interface Handler {
    /// The answer, now or later. Called on the loop, so it does not wait.
    CompletionStage<Answer> answer(Request request);
  }

  private HttpServer(int most, Handler handler) {
    this.most = most;
    this.handler = handler;
  }

  /// Listens on a Unix socket.
  ///
  /// @param access who may connect
  /// @param most connections at a time; of more the oldest is ended
  /// @throws IOException with a sentence that names the path, if it cannot be listened on
  static HttpServer open(
      SocketLoops loops, Path path, SocketAccess access, int most, Handler handler)
      throws IOException {
    HttpServer server = new HttpServer(most, handler);
    SocketListener listener =
        loops.listen(
            path,
            (channel, peer, owner) -> {
              if (peer.isAmong(access.users(), access.groups(), owner)) {
                server.accepted(channel);
              } else {
                LOG.warn("A connection to {} by {} is refused.", path, peer);
                var _ = channel.close();
              }
            });
    server.closeListener = listener::close;
    return server;
  }

  /// Listens on a port.
  ///
  /// @param port 0 for any that is free
  /// @param most connections at a time; of more the oldest is ended
  /// @throws IOException with a sentence that names the port, if it is taken
  static HttpServer open(SocketLoops loops, int port, int most, Handler handler)
      throws IOException {
    HttpServer server = new HttpServer(most, handler);
    PortListener listener = loops.listen(port, server::accepted);
    server.closeListener = listener::close;
    server.port = listener.port();
    return server;
  }

  /// The port on which it listens; -1 for a Unix socket.
  int port() {
    return port;
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
    private Future<?> end = CompletableFuture.completedFuture(null);
    private boolean isStream;

    @Override
    public void handlerAdded(ChannelHandlerContext context) {
      endLater(context.channel());
    }

    /// The other side has a time to ask, and one to read; what it waits between takes its own.
    private void endLater(Channel channel) {
      end =
          channel.eventLoop().schedule(() -> end(channel), TIME.toMillis(), TimeUnit.MILLISECONDS);
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object read) {
      ByteBuf bytes = (ByteBuf) read;
      if (isStream) {
        bytes.release();
        return;
      }
      try {
        int length = Math.min(bytes.readableBytes(), request.maxWritableBytes());
        request.writeBytes(bytes, length);
      } finally {
        bytes.release();
      }
      String text = request.toString(StandardCharsets.ISO_8859_1);
      if (text.contains(END)) {
        context.channel().config().setAutoRead(false);
        end.cancel(false);
        answer(context.channel(), text);
      } else if (request.maxWritableBytes() == 0) {
        context.channel().config().setAutoRead(false);
        send(context.channel(), "GET", Answer.Whole.text(431, "too long\n"));
      }
    }

    private void answer(Channel channel, String text) {
      Optional<Request> parsed = Request.parse(text, portOf(channel));
      if (parsed.isEmpty()) {
        send(channel, "GET", Answer.Whole.text(400, "this is no request of HTTP/1\n"));
        return;
      }
      String method = parsed.get().method();
      var _ =
          handler
              .answer(parsed.get())
              .whenCompleteAsync(
                  (answer, failure) -> {
                    if (failure == null) {
                      send(channel, method, answer);
                    } else {
                      LOG.warn("A request cannot be answered.", failure);
                      send(channel, method, Answer.Whole.text(500, "see the log\n"));
                    }
                  },
                  channel.eventLoop());
    }

    private void send(Channel channel, String method, Answer answer) {
      switch (answer) {
        case Answer.Whole whole -> {
          end.cancel(false);
          endLater(channel);
          channel
              .writeAndFlush(Unpooled.wrappedBuffer(bytes(whole, !method.equals("HEAD"))))
              .addListener(ChannelFutureListener.CLOSE);
        }
        case Answer.Stream stream -> {
          end.cancel(false);
          // Reading is how the end of the other side is noticed; what it says is thrown away.
          request.clear();
          isStream = true;
          channel.config().setAutoRead(true);
          var _ =
              channel.writeAndFlush(
                  Unpooled.wrappedBuffer(
                      head(200, stream.type(), stream.headers(), OptionalInt.empty())));
          stream.begin().accept(channel);
        }
      }
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
      LOG.debug("A connection broke.", cause);
      var _ = context.close();
    }
  }

  private static void end(Channel channel) {
    var _ = channel.close();
  }

  private static int portOf(Channel channel) {
    return channel.localAddress() instanceof InetSocketAddress address ? address.getPort() : 0;
  }

  private static byte[] bytes(Answer.Whole answer, boolean withBody) {
    byte[] body = answer.body().getBytes(StandardCharsets.UTF_8);
    byte[] head =
        head(answer.status(), answer.type(), answer.headers(), OptionalInt.of(body.length));
    byte[] all = Arrays.copyOf(head, head.length + (withBody ? body.length : 0));
    System.arraycopy(body, 0, all, head.length, all.length - head.length);
    return all;
  }

  private static byte[] head(int status, String type, List<String> headers, OptionalInt length) {
    String reason =
        switch (status) {
          case 200 -> "OK";
          case 400 -> "Bad Request";
          case 403 -> "Forbidden";
          case 404 -> "Not Found";
          case 405 -> "Method Not Allowed";
          case 431 -> "Request Header Fields Too Large";
          default -> "Internal Server Error";
        };
    StringBuilder head = new StringBuilder("HTTP/1.1 " + status + " " + reason + "\r\n");
    head.append("Content-Type: ").append(type).append("\r\n");
    length.ifPresent(bytes -> head.append("Content-Length: ").append(bytes).append("\r\n"));
    headers.forEach(header -> head.append(header).append("\r\n"));
    return head.append("Connection: close\r\n\r\n").toString().getBytes(StandardCharsets.US_ASCII);
  }

  @Override
  public void close() {
    closeListener.run();
    synchronized (connections) {
      for (Channel connection : connections) {
        var _ = connection.close();
      }
    }
  }
}
