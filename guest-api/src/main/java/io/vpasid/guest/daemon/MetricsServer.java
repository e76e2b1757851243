package io.vpasid.guest.daemon;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/// Serves the metrics at `/metrics` on a port of the loopback address, the only network that the
/// daemon is on.
///
/// One thread answers and a few callers wait; the JDK's server turns more away. Anybody on this
/// machine may ask, so the metrics tell numbers and names and no more.
final class MetricsServer implements AutoCloseable {
  private static final int WAITING = 16;

  private final HttpServer server;
  private final ThreadPoolExecutor executor;

  private MetricsServer(HttpServer server, ThreadPoolExecutor executor) {
    this.server = server;
    this.executor = executor;
  }

  /// Listens.
  ///
  /// @param port 0 for any that is free
  /// @throws IOException with a sentence that names the port, if it is taken
  static MetricsServer open(int port, Supplier<String> metrics) throws IOException {
    InetSocketAddress address = new InetSocketAddress(InetAddress.ofLiteral("127.0.0.1"), port);
    HttpServer server;
    try {
      server = HttpServer.create(address, WAITING);
    } catch (IOException e) {
      throw new IOException(
          "the port " + port + " for metrics cannot be listened on: " + e.getMessage(), e);
    }
    ThreadPoolExecutor executor =
        new ThreadPoolExecutor(
            1,
            1,
            0,
            TimeUnit.SECONDS,
            new ArrayBlockingQueue<>(WAITING),
            Thread.ofPlatform().name("metrics").daemon().factory());
    server.setExecutor(executor);
    server.createContext("/", exchange -> answer(exchange, metrics));
    server.start();
    return new MetricsServer(server, executor);
  }

  /// Where it listens.
  int port() {
    return server.getAddress().getPort();
  }

  private static void answer(HttpExchange exchange, Supplier<String> metrics) throws IOException {
    boolean known = exchange.getRequestURI().getPath().equals("/metrics");
    boolean reads = exchange.getRequestMethod().equals("GET");
    String text = known && reads ? metrics.get() : "see /metrics\n";
    int status = known ? 200 : 404;
    byte[] body = text.getBytes(StandardCharsets.UTF_8);
    exchange
        .getResponseHeaders()
        .set("Content-Type", known ? Metrics.CONTENT_TYPE : "text/plain; charset=utf-8");
    exchange.sendResponseHeaders(known && !reads ? 405 : status, body.length);
    try (OutputStream out = exchange.getResponseBody()) {
      out.write(body);
    }
    exchange.close();
  }

  @Override
  public void close() {
    server.stop(0);
    executor.shutdownNow();
  }
}
