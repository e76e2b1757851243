package io.vpasid.guest.vfiouser;

import io.netty.channel.Channel;
import io.vpasid.guest.socket.LaterTurns;
import io.vpasid.guest.socket.PeerCredentials;
import io.vpasid.guest.socket.SocketKind;
import io.vpasid.guest.socket.SocketListener;
import io.vpasid.guest.socket.SocketLoops;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Serves one device on one Unix socket, to one client at a time.
///
/// A second client is disconnected at once; when the first has gone, for whatever reason, the next
/// may come. The socket is its owner's alone (mode 0600), and a peer must in addition be one of the
/// users that the options admit. A socket that a dead server left behind is replaced, anything else
/// in its place is left alone.
public final class VfioUserServer implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(VfioUserServer.class);

  /// How often a newcomer looks whether the client before has gone. What a client has sent before
  /// it went is answered first, in turns of 64 messages or a millisecond, and its end comes after
  /// them.
  private static final int LOOKS = 100;

  /// How long closing waits for a device that is in the middle of something.
  private static final long CLOSE_SECONDS = 10;

  private final SocketLoops loops;
  private final boolean ownsLoops;
  private final Path path;
  private final ServedDevice device;
  private final Options options;
  private final Capabilities capabilities;
  private final SocketListener listener;

  /// The connection that has the device. Written on the listener's loop only.
  private volatile @Nullable Client client;

  private volatile boolean closed;

  private record Client(Channel channel, SessionHandler handler) {}

  /// Limits, and who may connect.
  ///
  /// @param maxDataTransfer most bytes of one region read or write, [#MIN_DATA_TRANSFER] to
  ///   [#MAX_DATA_TRANSFER]
  /// @param maxDmaMaps most DMA windows that a client may have mapped, 0 to 65535
  /// @param handshakeTimeout how long a client may take to say its version, at most a day
  /// @param users ids of the users who may connect; if empty, the user of this process and root
  /// @param groups ids of groups whose members may connect besides
  /// @param limits what the descriptors that a client sends may take of this process
  public record Options(
      int maxDataTransfer,
      int maxDmaMaps,
      Duration handshakeTimeout,
      Set<Integer> users,
      Set<Integer> groups,
      ClientLimits limits) {
    /// A whole configuration space in one read, with which QEMU begins.
    public static final int MIN_DATA_TRANSFER = 4096;

    /// More than QEMU takes from a server.
    public static final int MAX_DATA_TRANSFER = 64 << 20;

    private static final Options DEFAULTS =
        new Options(
            1 << 20, 65535, Duration.ofSeconds(5), Set.of(), Set.of(), ClientLimits.DEFAULTS);

    /// @throws IllegalArgumentException if a number is out of its range
    public Options {
      users = Set.copyOf(users);
      groups = Set.copyOf(groups);
      if (maxDataTransfer < MIN_DATA_TRANSFER || maxDataTransfer > MAX_DATA_TRANSFER) {
        throw new IllegalArgumentException(
            "Data transfers are limited to %s to %s bytes, not %s"
                .formatted(MIN_DATA_TRANSFER, MAX_DATA_TRANSFER, maxDataTransfer));
      }
      if (maxDmaMaps < 0 || maxDmaMaps > Capabilities.DEFAULTS.maxDmaMaps()) {
        throw new IllegalArgumentException(
            "DMA windows are limited to 0 to %s, not %s"
                .formatted(Capabilities.DEFAULTS.maxDmaMaps(), maxDmaMaps));
      }
      if (!handshakeTimeout.isPositive() || handshakeTimeout.compareTo(Duration.ofDays(1)) > 0) {
        throw new IllegalArgumentException(
            "A handshake takes more than nothing and at most a day, not " + handshakeTimeout);
      }
    }

    /// What the specification has as defaults, 5 seconds for the handshake, the same user or root.
    public static Options defaults() {
      return DEFAULTS;
    }

    /// These options with another limit of data transfers.
    public Options withMaxDataTransfer(int bytes) {
      return new Options(bytes, maxDmaMaps, handshakeTimeout, users, groups, limits);
    }

    /// These options with another limit of DMA windows.
    public Options withMaxDmaMaps(int windows) {
      return new Options(maxDataTransfer, windows, handshakeTimeout, users, groups, limits);
    }

    /// These options with another time for the handshake.
    public Options withHandshakeTimeout(Duration timeout) {
      return new Options(maxDataTransfer, maxDmaMaps, timeout, users, groups, limits);
    }

    /// These options with other limits of what a client's descriptors take.
    public Options withLimits(ClientLimits limits) {
      return new Options(maxDataTransfer, maxDmaMaps, handshakeTimeout, users, groups, limits);
    }

    /// These options for members of these groups besides.
    public Options withGroups(Set<Integer> groups) {
      return new Options(maxDataTransfer, maxDmaMaps, handshakeTimeout, users, groups, limits);
    }

    /// These options for exactly these users.
    public Options withUsers(Set<Integer> users) {
      return new Options(maxDataTransfer, maxDmaMaps, handshakeTimeout, users, groups, limits);
    }
  }

  private VfioUserServer(
      SocketLoops loops, boolean ownsLoops, Path path, ServedDevice device, Options options)
      throws IOException {
    this.loops = loops;
    this.ownsLoops = ownsLoops;
    this.path = path;
    this.device = device;
    this.options = options;
    this.capabilities =
        new Capabilities(
            loops.kind().carriesDescriptors() ? MAX_DESCRIPTORS : 0,
            options.maxDataTransfer(),
            options.maxDmaMaps(),
            Capabilities.DEFAULTS.pageSizes(),
            true);
    this.listener =
        loops.listen(
            path, VfioUserFraming.forDataTransfer(options.maxDataTransfer()), this::accepted);
    LOG.info(
        "Serving vfio-user on {} ({}).",
        path,
        loops.kind().carriesDescriptors() ? "with descriptors" : "without descriptors");
  }

  /// What QEMU sends at most, and a channel takes.
  private static final int MAX_DESCRIPTORS = 16;

  /// Serves a device, on a thread of its own.
  ///
  /// @param path where the socket is created
  /// @param device what is served
  /// @param options limits, and who may connect
  /// @throws IOException with a sentence that names the path, if the socket cannot be created there
  /// @throws IllegalArgumentException if the device has too many regions or interrupt types
  public static VfioUserServer open(Path path, VfioUserDevice device, Options options)
      throws IOException {
    SocketLoops loops = SocketLoops.open(SocketKind.best(), "vfio-user-server", 1);
    try {
      return open(loops, true, path, device, options);
    } catch (IOException | RuntimeException e) {
      loops.close();
      throw e;
    }
  }

  static VfioUserServer open(
      SocketLoops loops, boolean ownsLoops, Path path, VfioUserDevice device, Options options)
      throws IOException {
    return new VfioUserServer(loops, ownsLoops, path, ServedDevice.of(device), options);
  }

  /// The path where it listens.
  public Path path() {
    return path;
  }

  /// True if a client has the device right now.
  public boolean hasClient() {
    Client current = client;
    return current != null && current.channel().isOpen();
  }

  /// Stops listening, removes the path and disconnects the client; returns when the device has been
  /// told, or is busy for longer than 10 seconds. A second call does nothing. Not to be called by
  /// the device from within a call to it.
  @Override
  public void close() {
    closed = true;
    listener.close();
    Client current = client;
    if (current != null) {
      var _ = current.channel().close();
      awaitEnd(current.handler());
    }
    if (ownsLoops) {
      loops.close();
    }
  }

  private void awaitEnd(SessionHandler handler) {
    try {
      handler.ended().orTimeout(CLOSE_SECONDS, TimeUnit.SECONDS).join();
    } catch (CompletionException e) {
      LOG.warn("The device at {} is still busy and has not been told that its client left.", path);
    }
  }

  // On the listener's loop, which is also that of its connections

  private void accepted(Channel channel, PeerCredentials peer, int owner) {
    if (closed || !peer.isAmong(options.users(), options.groups(), owner)) {
      LOG.warn("A connection to {} by {} is refused.", path, peer);
      var _ = channel.close();
    } else if (isFree()) {
      begin(channel, peer);
    } else {
      // The client before may have gone already, and the loop not have come to it yet.
      channel.config().setAutoRead(false);
      beginLater(channel, peer, LOOKS);
    }
  }

  /// Looks again behind whatever else waits at the loop, and after another look at its sockets.
  private void beginLater(Channel channel, PeerCredentials peer, int looks) {
    LaterTurns.add(channel.eventLoop(), () -> beginIfFree(channel, peer, looks));
  }

  /// True if the client before has gone and has left nothing.
  private boolean isFree() {
    Client current = client;
    return current == null || (!hasClient() && current.handler().ended().isDone());
  }

  /// @param looks how often the client before is looked for once more
  private void beginIfFree(Channel channel, PeerCredentials peer, int looks) {
    Client before = client;
    if (before != null && !before.channel().isOpen() && !before.handler().ended().isDone()) {
      // It has gone, and what it left is still being put away.
      var _ =
          before
              .handler()
              .ended()
              .thenRun(() -> channel.eventLoop().execute(() -> beginIfFree(channel, peer, looks)));
    } else if (!closed && hasClient() && looks > 0) {
      beginLater(channel, peer, looks - 1);
    } else if (closed || hasClient()) {
      LOG.info("A second connection to {}, by {}, is refused.", path, peer);
      var _ = channel.close();
    } else if (channel.isOpen()) {
      begin(channel, peer);
      channel.config().setAutoRead(true);
    }
  }

  private void begin(Channel channel, PeerCredentials peer) {
    SessionHandler handler =
        new SessionHandler(
            new DeviceSession(
                device,
                capabilities,
                loops.kind().carriesDescriptors(),
                peer,
                options.limits().ofProcess()),
            options.handshakeTimeout());
    client = new Client(channel, handler);
    LOG.debug("{} connected to {}.", peer, path);
    channel.pipeline().addLast(new VfioUserDecoder(), new VfioUserEncoder(), handler);
  }
}
