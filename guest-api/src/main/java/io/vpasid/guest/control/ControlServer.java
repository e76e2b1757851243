package io.vpasid.guest.control;

import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelOption;
import io.netty.handler.flow.FlowControlHandler;
import io.vpasid.guest.socket.PeerCredentials;
import io.vpasid.guest.socket.SocketListener;
import io.vpasid.guest.socket.SocketLoops;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Serves the control protocol on a Unix socket.
///
/// The socket is its owner's alone (mode 0600), and a peer must in addition be one of the users
/// that the options admit. Whatever a client does, it costs the server one object of limited
/// length, one command at a time and [SocketLoops#WRITE_HIGH_WATER_MARK] bytes of replies and
/// events, with the one that goes beyond.
public final class ControlServer implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(ControlServer.class);

  private final Path path;
  private final Executor worker;
  private final ControlTarget target;
  private final Object version;
  private final Options options;
  private final Map<Channel, ControlSession> sessions = new ConcurrentHashMap<>();
  private final SocketListener listener;
  private volatile boolean closed;

  /// Limits, and who may connect.
  ///
  /// @param maxClients most clients at the same time, at least 1
  /// @param maxObject most bytes of one request, at least 1024
  /// @param negotiationTimeout how long a client may take to negotiate, long enough for a person
  /// @param users ids of the users who may connect; if empty, the user of this process and root
  /// @param groups ids of groups whose members may connect besides
  /// @param readers ids of further users who may connect, and only look
  public record Options(
      int maxClients,
      int maxObject,
      Duration negotiationTimeout,
      Set<Integer> users,
      Set<Integer> groups,
      Set<Integer> readers) {
    private static final Options DEFAULTS =
        new Options(16, 64 * 1024, Duration.ofSeconds(60), Set.of(), Set.of(), Set.of());

    /// @throws IllegalArgumentException if a number is out of its range
    public Options {
      users = Set.copyOf(users);
      groups = Set.copyOf(groups);
      readers = Set.copyOf(readers);
      if (maxClients < 1 || maxObject < 1024 || !negotiationTimeout.isPositive()) {
        throw new IllegalArgumentException(
            "A control socket has at least 1 client, 1024 bytes and some time, not %s, %s, %s"
                .formatted(maxClients, maxObject, negotiationTimeout));
      }
    }

    /// 16 clients, 64 KiB, 60 seconds, the same user or root.
    public static Options defaults() {
      return DEFAULTS;
    }

    /// These options with another limit of clients.
    public Options withMaxClients(int clients) {
      return new Options(clients, maxObject, negotiationTimeout, users, groups, readers);
    }

    /// These options with another time for the negotiation.
    public Options withNegotiationTimeout(Duration timeout) {
      return new Options(maxClients, maxObject, timeout, users, groups, readers);
    }

    /// These options with further users who may only look.
    public Options withReaders(Set<Integer> readers) {
      return new Options(maxClients, maxObject, negotiationTimeout, users, groups, readers);
    }

    /// These options for members of these groups besides.
    public Options withGroups(Set<Integer> groups) {
      return new Options(maxClients, maxObject, negotiationTimeout, users, groups, readers);
    }

    /// These options for exactly these users.
    public Options withUsers(Set<Integer> users) {
      return new Options(maxClients, maxObject, negotiationTimeout, users, groups, readers);
    }
  }

  private ControlServer(
      SocketLoops loops,
      Path path,
      Executor worker,
      ControlTarget target,
      Object version,
      Options options)
      throws IOException {
    this.path = path;
    this.worker = worker;
    this.target = target;
    this.version = version;
    this.options = options;
    this.listener = loops.listen(path, this::accepted);
  }

  /// Listens.
  ///
  /// @param path where the socket is created
  /// @param worker runs the commands; must be one thread, or a queue in front of one
  /// @param target does the commands
  /// @param version what the greeting tells of the program
  /// @throws IOException with a sentence that names the path, if the socket cannot be created there
  public static ControlServer open(
      SocketLoops loops,
      Path path,
      Executor worker,
      ControlTarget target,
      Object version,
      Options options)
      throws IOException {
    return new ControlServer(loops, path, worker, target, version, options);
  }

  /// The path where it listens.
  public Path path() {
    return path;
  }

  /// The number of clients that are connected.
  public int clients() {
    return sessions.size();
  }

  /// Tells every client of an event. May be called by any thread, and waits for nothing.
  ///
  /// @param data what Jackson can write; the function, IOMMU or tenant that they name has its own
  ///   share of the events that a client has not read
  public void tell(ControlEvent event, Map<String, ?> data) {
    tell(EventSource.of(data), event, data);
  }

  /// Tells every client of an event out of a source's share, whatever the data name.
  public void tell(EventSource source, ControlEvent event, Map<String, ?> data) {
    if (!sessions.isEmpty()) {
      byte[] line = ControlMessages.event(event, data, Instant.now());
      sessions.values().forEach(session -> session.event(source, line));
    }
  }

  /// Stops listening, removes the path and disconnects the clients when they have what was sent to
  /// them, or do not take it. A second call does nothing.
  @Override
  public void close() {
    closed = true;
    listener.close();
    sessions.keySet().forEach(ControlServer::closeWhenSent);
  }

  /// Closes behind everything that waits to be sent, but does not wait for a client that does not
  /// read.
  private static void closeWhenSent(Channel channel) {
    if (channel.isWritable()) {
      channel
          .writeAndFlush(Unpooled.EMPTY_BUFFER)
          .addListener(ChannelFutureListener.CLOSE)
          .awaitUninterruptibly(CLOSE_MILLIS);
    }
    channel.close().awaitUninterruptibly(CLOSE_MILLIS);
  }

  private static final long CLOSE_MILLIS = 1000;

  // On the listener's loop, which is also that of its connections

  private void accepted(Channel channel, PeerCredentials peer, int owner) {
    boolean mayChange = peer.isAmong(options.users(), options.groups(), owner);
    if (closed || !(mayChange || options.readers().contains(peer.uid()))) {
      LOG.warn("A connection to {} by {} is refused.", path, peer);
      var _ = channel.close();
      return;
    }
    if (sessions.size() >= options.maxClients()) {
      LOG.warn("A connection to {} by {} is refused: {} clients.", path, peer, sessions.size());
      channel.pipeline().addLast(new Refusal(options.maxClients()));
      return;
    }
    ControlSession session =
        new ControlSession(
            channel, worker, target, version, options.negotiationTimeout(), mayChange);
    sessions.put(channel, session);
    channel.closeFuture().addListener(_ -> sessions.remove(channel));
    LOG.debug("{} connected to {}.", peer, path);
    channel.config().setOption(ChannelOption.ALLOW_HALF_CLOSURE, true);
    channel
        .pipeline()
        .addLast(
            new JsonStreamDecoder(options.maxObject()),
            // One read may hold many objects; those that the session is not ready for wait in
            // between.
            new FlowControlHandler(),
            session);
  }
}
