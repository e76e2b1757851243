package io.vpasid.guest.vfiouser;

import io.netty.channel.Channel;
import io.netty.channel.ChannelInitializer;
import io.vpasid.guest.socket.Descriptors;
import io.vpasid.guest.socket.SocketKind;
import io.vpasid.guest.socket.SocketLoops;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/// A client's connection: the version that was agreed on, and requests on their way with a bound on
/// their number and on the time that each may take.
final class ClientConnection implements AutoCloseable {
  private final SocketLoops loops;
  private final boolean ownsLoops;
  private final Channel channel;
  private final PendingRequests requests;
  private final OfferedMemory offered;
  private final Duration timeout;
  private final Semaphore window;
  private final int maxDataTransfer;
  private final boolean writesMultiple;

  private ClientConnection(
      SocketLoops loops, boolean ownsLoops, Path path, VfioUserClient.Options options)
      throws IOException {
    this.loops = loops;
    this.ownsLoops = ownsLoops;
    this.timeout = options.timeout();
    this.window = new Semaphore(options.window());
    this.requests = new PendingRequests(options.timeout());
    this.offered = new OfferedMemory(options.maxDataTransfer());
    this.channel =
        loops.connect(
            path,
            VfioUserFraming.forDataTransfer(
                Math.max(options.maxDataTransfer(), Capabilities.MAX_LENGTH)),
            new ChannelInitializer<>() {
              @Override
              protected void initChannel(Channel connection) {
                connection
                    .pipeline()
                    .addLast(
                        new VfioUserDecoder(),
                        new VfioUserEncoder(),
                        new ClientHandler(requests, offered));
              }
            });
    try {
      Capabilities agreed = negotiate(options.maxDataTransfer());
      this.maxDataTransfer = (int) Math.min(options.maxDataTransfer(), agreed.maxDataTransfer());
      this.writesMultiple = agreed.writesMultiple();
    } catch (IOException | RuntimeException e) {
      channel.close().syncUninterruptibly();
      throw e;
    }
  }

  /// Connects, and agrees on a version, on a thread of its own.
  static ClientConnection open(Path path, VfioUserClient.Options options) throws IOException {
    SocketLoops loops = SocketLoops.open(SocketKind.best(), "vfio-user-client", 1);
    try {
      return new ClientConnection(loops, true, path, options);
    } catch (IOException | RuntimeException e) {
      loops.close();
      throw e;
    }
  }

  /// Connects on threads that the caller closes.
  static ClientConnection open(SocketLoops loops, Path path, VfioUserClient.Options options)
      throws IOException {
    return new ClientConnection(loops, false, path, options);
  }

  private Capabilities negotiate(int proposed) throws IOException {
    Capabilities own =
        new Capabilities(
            loops.kind().carriesDescriptors() ? 1 : 0,
            proposed,
            Capabilities.DEFAULTS.maxDmaMaps(),
            Capabilities.DEFAULTS.pageSizes(),
            true);
    Payload.Version answer =
        await(
            request(
                Command.VERSION,
                new Payload.Version(DeviceSession.MAJOR, DeviceSession.MINOR, own.proposal()),
                Descriptors.none(),
                Payload.Version.class,
                "VERSION"));
    if (answer.major() != DeviceSession.MAJOR || answer.minor() > DeviceSession.MINOR) {
      throw new IOException(
          "The server speaks version " + answer.major() + "." + answer.minor() + ", not 0.0.");
    }
    return switch (Capabilities.parse(answer.data())) {
      case Capabilities.Parsed.Understood understood -> understood.capabilities();
      case Capabilities.Parsed.Malformed refused ->
          throw new IOException("The server's VERSION reply is bad: " + refused.reason() + ".");
    };
  }

  int maxDataTransfer() {
    return maxDataTransfer;
  }

  boolean writesMultiple() {
    return writesMultiple;
  }

  boolean isOpen() {
    return channel.isActive();
  }

  /// The memory that the server may ask for.
  OfferedMemory offered() {
    return offered;
  }

  /// Sends a request.
  ///
  /// @param descriptors sent with it, and closed whatever becomes of it
  /// @param what the request is, for messages
  <P extends Payload> CompletableFuture<P> request(
      Command command, Payload payload, Descriptors descriptors, Class<P> reply, String what)
      throws IOException {
    try {
      takePlace(what);
    } catch (IOException e) {
      descriptors.close();
      throw e;
    }
    CompletableFuture<P> answer =
        requests.request(channel, command, payload, descriptors, reply, what);
    var _ = answer.whenComplete((_, _) -> window.release());
    return answer;
  }

  /// Sends a message that has no reply.
  void send(Message message, String what) throws IOException {
    takePlace(what);
    var _ = channel.writeAndFlush(message).addListener(_ -> window.release());
  }

  private void takePlace(String what) throws IOException {
    if (channel.eventLoop().inEventLoop()) {
      throw new IllegalStateException("A thread that serves sockets must not wait for one.");
    }
    try {
      if (!window.tryAcquire(timeout.toNanos(), TimeUnit.NANOSECONDS)) {
        throw new IOException(what + " found no place among the requests under way.");
      }
    } catch (InterruptedException e) {
      throw interrupted(what);
    }
  }

  /// Waits for the reply, or throws what came in its place.
  static <T> T await(CompletableFuture<T> answer) throws IOException {
    try {
      return answer.get();
    } catch (ExecutionException e) {
      Throwable cause = e.getCause() == null ? e : e.getCause();
      throw switch (cause) {
        case VfioUserException refused -> refused;
        case IOException lost -> new IOException(lost.getMessage(), lost);
        default -> new IOException("A request failed.", cause);
      };
    } catch (InterruptedException e) {
      throw interrupted("A request");
    }
  }

  private static InterruptedIOException interrupted(String what) {
    Thread.currentThread().interrupt();
    return new InterruptedIOException(what + " was interrupted while it waited.");
  }

  @Override
  public void close() {
    channel.close().syncUninterruptibly();
    if (ownsLoops) {
      loops.close();
    }
  }
}
