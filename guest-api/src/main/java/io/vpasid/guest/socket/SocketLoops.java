package io.vpasid.guest.socket;

import io.netty.bootstrap.Bootstrap;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFactory;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoop;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.ServerChannel;
import io.netty.channel.WriteBufferWaterMark;
import io.netty.channel.epoll.EpollDomainSocketChannel;
import io.netty.channel.socket.nio.NioChannelOption;
import io.netty.channel.unix.Socket;
import io.netty.handler.flow.FlowControlHandler;
import io.netty.util.concurrent.DefaultThreadFactory;
import io.netty.util.concurrent.EventExecutor;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import jdk.net.ExtendedSocketOptions;
import jdk.net.UnixDomainPrincipal;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// The threads that serve Unix sockets, and the way to open sockets on them.
///
/// Every socket belongs to one thread for its life, and a listener's connections to the listener's:
/// what runs for one listener never runs twice at once. Closing ends the threads; sockets that are
/// still open are closed with them.
public final class SocketLoops implements AutoCloseable {
  /// Bytes that wait to be sent before a channel says that it is not writable.
  public static final int WRITE_HIGH_WATER_MARK = 64 * 1024;

  /// Bytes that still wait when it is writable again.
  public static final int WRITE_LOW_WATER_MARK = 32 * 1024;

  private static final Logger LOG = LoggerFactory.getLogger(SocketLoops.class);

  private static final long CLOSE_SECONDS = 10;

  private final SocketKind kind;
  private final EventLoopGroup group;
  private volatile boolean closing;

  private SocketLoops(SocketKind kind, EventLoopGroup group) {
    this.kind = kind;
    this.group = group;
  }

  /// Starts threads.
  ///
  /// @param kind of the sockets; must be available
  /// @param name what the threads' names begin with
  /// @param threads how many, at least 1
  public static SocketLoops open(SocketKind kind, String name, int threads) {
    return open(kind, name, threads, Duration.ZERO);
  }

  /// Starts threads that look for more, for a while, before they sleep.
  ///
  /// @param busyPoll how long after the last message
  public static SocketLoops open(SocketKind kind, String name, int threads, Duration busyPoll) {
    EventLoopGroup group =
        new MultiThreadIoEventLoopGroup(
            threads, new DefaultThreadFactory(name, true), kind.handlerFactory(busyPoll));
    group.forEach(SocketLoops::waitWithoutTimer);
    return new SocketLoops(kind, group);
  }

  /// Where no task is scheduled, Netty ends each wait after a second, and the kernel sets a timer
  /// for that in each round trip. Before a task that is never due it waits without one.
  private static void waitWithoutTimer(EventExecutor loop) {
    var _ = loop.schedule(() -> {}, Long.MAX_VALUE, TimeUnit.NANOSECONDS);
  }

  /// Runs `listener` if a loop ends, for whatever reason, before [#close]: its sockets are dead
  /// then.
  public void onLoss(Runnable listener) {
    for (EventExecutor loop : group) {
      loop.terminationFuture()
          .addListener(_ -> {
            if (!closing) {
              listener.run();
            }
          });
    }
  }

  /// Ends a loop as a fault would.
  void loseOne() {
    var _ = group.next().shutdownGracefully(0, 0, TimeUnit.SECONDS);
  }

  /// How sockets are reached on these loops.
  public SocketKind kind() {
    return kind;
  }

  /// Listens on a Unix socket.
  ///
  /// @param path where; a socket that a dead process left there is replaced
  /// @param framing how long messages are
  /// @param acceptor takes over each connection
  /// @throws IOException with a sentence that names the path, if it is a symbolic link, something
  ///   else than a socket, a socket in use, or cannot be bound
  public SocketListener listen(Path path, Framing framing, SocketListener.Acceptor acceptor)
      throws IOException {
    return listen(
        path,
        () -> kind.newServerChannel(framing),
        new Accepting(channel -> addFraming(channel, framing), acceptor));
  }

  /// Listens on a Unix socket for a protocol without packets: the connections deliver bytes as they
  /// come, and descriptors that a peer sends are dropped by the kernel.
  ///
  /// @param path where; a socket that a dead process left there is replaced
  /// @param acceptor takes over each connection
  /// @throws IOException as for packets
  public SocketListener listen(Path path, SocketListener.Acceptor acceptor) throws IOException {
    return listen(path, kind::newByteServerChannel, new Accepting(_ -> {}, acceptor));
  }

  /// Listens on a TCP port of the loopback address.
  ///
  /// @param port 0 for any that is free
  /// @param acceptor takes over each connection, which delivers bytes as they come
  /// @throws IOException with a sentence that names the port, if it cannot be listened on
  public PortListener listen(int port, Consumer<Channel> acceptor) throws IOException {
    EventLoop loop = group.next();
    ChannelFuture bound =
        new ServerBootstrap()
            .group(loop, loop)
            .channelFactory(kind::newPortServerChannel)
            .childHandler(
                new ChannelInitializer<>() {
                  @Override
                  protected void initChannel(Channel channel) {
                    acceptor.accept(channel);
                  }
                })
            .bind(new InetSocketAddress(InetAddress.ofLiteral("127.0.0.1"), port));
    return new PortListener(open(bound, "the port " + port + " cannot be listened on"));
  }

  /// Makes sure that sockets may be made in the folder of a path, without making one.
  ///
  /// @throws IOException with a sentence that names the path, if it is too long, there is no such
  ///   folder, or others could replace what is in it
  public static void checkFolder(Path path) throws IOException {
    SocketPath.check(path);
  }

  /// Makes sure of it for a process of another user, who must be able to make one there as well.
  ///
  /// @param uid id of the process's user
  /// @param gid id of its group; empty for that of this process
  public static void checkFolder(Path path, int uid, Optional<Integer> gid) throws IOException {
    SocketPath.check(path, OwnIds.read().of(uid, gid));
  }

  private SocketListener listen(
      Path path, ChannelFactory<ServerChannel> channels, Accepting accepting) throws IOException {
    SocketPath.check(path);
    try (SocketPath.Lock _ = SocketPath.lock(path)) {
      SocketPath.clear(path);
      return bind(path, channels, accepting);
    }
  }

  private SocketListener bind(
      Path path, ChannelFactory<ServerChannel> channels, Accepting accepting) throws IOException {
    EventLoop loop = group.next();
    ChannelFuture bound =
        new ServerBootstrap()
            .group(loop, loop)
            .channelFactory(channels)
            // Nobody is accepted before the permissions are right.
            .option(ChannelOption.AUTO_READ, false)
            .childOption(ChannelOption.WRITE_BUFFER_WATER_MARK, waterMark())
            .childHandler(accepting)
            .bind(kind.address(path));
    Channel channel = open(bound, path + " cannot be listened on");
    try {
      SocketPath socketPath = SocketPath.bound(path);
      accepting.owner = socketPath.owner();
      channel.config().setAutoRead(true);
      return new SocketListener(channel, socketPath);
    } catch (IOException e) {
      channel.close().awaitUninterruptibly();
      throw e;
    }
  }

  /// Connects to a Unix socket.
  ///
  /// @param path where the server listens
  /// @param framing how long messages are
  /// @param handler is added behind the handlers that deliver [Packet]s
  /// @throws IOException with a sentence that names the path, if nobody listens there
  public Channel connect(Path path, Framing framing, ChannelHandler handler) throws IOException {
    ChannelFuture connected =
        new Bootstrap()
            .group(group)
            .channelFactory(() -> kind.newChannel(framing))
            .option(ChannelOption.WRITE_BUFFER_WATER_MARK, waterMark())
            .handler(
                new ChannelInitializer<>() {
                  @Override
                  protected void initChannel(Channel channel) {
                    addFraming(channel, framing);
                    channel.pipeline().addLast(handler);
                  }
                })
            .connect(kind.address(path));
    return open(connected, path + " cannot be connected to");
  }

  /// Waits for a channel.
  ///
  /// @param failure what is said if it does not open, before the reason
  private static Channel open(ChannelFuture opening, String failure) throws IOException {
    opening.awaitUninterruptibly();
    if (!opening.isSuccess()) {
      throw new IOException(failure + ": " + reason(opening.cause()), opening.cause());
    }
    return opening.channel();
  }

  /// Ends the threads, closes what is still open on them, and waits for it, 10 seconds at most.
  @Override
  public void close() {
    closing = true;
    boolean ended =
        group
            .shutdownGracefully(0, CLOSE_SECONDS, TimeUnit.SECONDS)
            .awaitUninterruptibly(CLOSE_SECONDS, TimeUnit.SECONDS);
    if (!ended) {
      LOG.warn("A thread that serves sockets is still busy and is left behind.");
    }
  }

  private void addFraming(Channel channel, Framing framing) {
    if (!kind.carriesDescriptors()) {
      // One read may hold many messages; those that a handler is not ready for wait in between.
      channel.pipeline().addLast(new PacketDecoder(framing), new FlowControlHandler());
    }
  }

  /// Prepares each connection of a listener.
  @ChannelHandler.Sharable
  private static final class Accepting extends ChannelInitializer<Channel> {
    private final Consumer<Channel> framing;
    private final SocketListener.Acceptor acceptor;
    private volatile @Nullable SocketOwner owner;

    Accepting(Consumer<Channel> framing, SocketListener.Acceptor acceptor) {
      this.framing = framing;
      this.acceptor = acceptor;
    }

    @Override
    protected void initChannel(Channel channel) throws IOException {
      SocketOwner known = owner;
      if (known == null) {
        throw new IOException("Accepted before the socket was ready.");
      }
      framing.accept(channel);
      acceptor.accepted(channel, credentials(channel, known), known.uid());
    }
  }

  private static PeerCredentials credentials(Channel channel, SocketOwner owner)
      throws IOException {
    return switch (channel) {
      case DescriptorChannel descriptors -> PeerCredentials.of(descriptors.socket());
      case EpollDomainSocketChannel epoll -> PeerCredentials.of(new Socket(epoll.fd().intValue()));
      default -> {
        UnixDomainPrincipal peer =
            channel.config().getOption(NioChannelOption.of(ExtendedSocketOptions.SO_PEERCRED));
        yield new PeerCredentials(
            peer == null ? PeerCredentials.UNKNOWN : owner.uidOf(peer.user()),
            Set.of(),
            PeerCredentials.UNKNOWN);
      }
    };
  }

  private static WriteBufferWaterMark waterMark() {
    return new WriteBufferWaterMark(WRITE_LOW_WATER_MARK, WRITE_HIGH_WATER_MARK);
  }

  /// What the kernel says, without the name and the number that Netty puts before it.
  private static String reason(Throwable cause) {
    String message = cause.getMessage();
    if (message == null) {
      return cause instanceof FileNotFoundException
          ? "No such file or directory"
          : cause.getClass().getSimpleName();
    }
    return message.replaceFirst("^\\w+\\(\\.\\.\\) failed with error\\(-?\\d+\\): ", "");
  }
}
