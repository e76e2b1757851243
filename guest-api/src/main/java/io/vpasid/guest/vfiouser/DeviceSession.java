package io.vpasid.guest.vfiouser;

import io.vpasid.guest.socket.PeerCredentials;
import io.vpasid.vmm.linux.Errno;
import io.vpasid.vmm.linux.calls.MemoryBudget;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/// One client's use of a device, from its first message to its end: what is answered to what.
///
/// Knows no sockets. Used by one thread at a time.
///
/// ```text
///            VERSION                              end
///  new ───────────────▶ agreed ── any request ─┐ ─────▶ ended
///   │ anything else,      ▲ ◀──────────────────┘         ▲
///   │ or a bad VERSION    │ a request that is refused: stays
///   └─────────────────────┴── a message that breaks the protocol ┘
/// ```
final class DeviceSession implements VfioUserPeer {
  /// Version of the protocol.
  static final int MAJOR = 0;

  /// QEMU refuses a server that answers with a higher one than its own.
  static final int MINOR = 0;

  private final ServedDevice device;
  private final Capabilities own;
  private final PeerCredentials peer;
  private final FaultGuard guard = new FaultGuard();
  private final DeviceQueries queries;
  private final RegionRequests regions;
  private final DmaRegions dma;
  private final DmaRequests dmaRequests;
  private final Interrupts interrupts;
  private ClientMemory.Requests requests = DeviceSession::notConnected;
  private volatile @Nullable ClientMemory memory;
  private boolean agreed;

  /// A session that has not begun.
  ///
  /// @param device what is used
  /// @param own what this server can do
  /// @param descriptorsPass whether descriptors can come with messages
  /// @param peer who the client is
  /// @param budget what the client's descriptors may take
  DeviceSession(
      ServedDevice device,
      Capabilities own,
      boolean descriptorsPass,
      PeerCredentials peer,
      MemoryBudget budget) {
    this.device = device;
    this.own = own;
    this.peer = peer;
    this.queries = new DeviceQueries(device, descriptorsPass);
    this.regions = new RegionRequests(device, own.maxDataTransfer(), guard);
    this.dma = new DmaRegions((int) own.maxDmaMaps(), budget, device.device(), guard);
    this.dmaRequests = new DmaRequests(dma);
    this.interrupts = new Interrupts(device, guard, descriptorsPass, budget.descriptors());
  }

  /// Lets the session ask the client.
  void reach(ClientMemory.Requests client) {
    requests = client;
  }

  private static <P extends Payload> CompletableFuture<P> notConnected(
      Command command, Payload payload, Class<P> reply, String what) {
    return CompletableFuture.failedFuture(new IOException(what + " found no client."));
  }

  /// True if a version has been agreed on.
  boolean isAgreed() {
    return agreed;
  }

  /// Answers a message. Its descriptors are closed, but for those that are kept.
  Answer answer(Message message) {
    try (var descriptors = message.descriptors()) {
      Header header = message.header();
      if (!header.isRequest()) {
        return Answer.violation(header, "It is neither a request nor the reply to one.");
      }
      if (descriptors.count() > 0 && !Command.of(header.command()).takesDescriptors()) {
        return Answer.violation(header, "Descriptors came with it.");
      }
      return switch (message.payload()) {
        case Payload.Broken broken -> Answer.violation(header, broken.reason());
        case Payload.Version version when !agreed -> agree(header, version);
        case Payload _ when !agreed ->
            Answer.violation(header, "The first message must be a VERSION.");
        case Payload.RegionWrites several -> regions.writeAll(header, several, 0);
        case Payload.DmaUnmap unmap -> dmaRequests.unmap(header, unmap);
        default -> Answer.to(header, handle(message));
      };
    }
  }

  /// Answers an access to a register where it lies.
  boolean answer(ByteBuffer message, ByteBuffer reply) {
    return agreed && regions.answer(message, reply);
  }

  /// The client has gone: its memory windows and eventfds are given up, and the device is told.
  ///
  /// @return whether that is done; if not, it is to be called again in another turn
  boolean end() {
    memory = null;
    interrupts.close();
    if (!dma.clear(Turn.begin())) {
      return false;
    }
    if (agreed) {
      agreed = false;
      guard.guarded("disconnected", () -> device.device().disconnected());
    }
    return true;
  }

  @Override
  public boolean trigger(int irq, int vector) {
    return interrupts.trigger(irq, vector);
  }

  @Override
  public CompletableFuture<Outcome> readDma(long address, ByteBuffer destination) {
    ClientMemory present = memory;
    return present == null ? gone() : present.read(address, destination);
  }

  @Override
  public CompletableFuture<Outcome> writeDma(long address, ByteBuffer source) {
    ClientMemory present = memory;
    return present == null ? gone() : present.write(address, source);
  }

  @Override
  public CompletableFuture<Outcome> writeMessage(long address, int data) {
    ClientMemory present = memory;
    return present == null ? gone() : present.writeMessage(address, data);
  }

  private static CompletableFuture<Outcome> gone() {
    return CompletableFuture.completedFuture(
        Outcome.refused(Errno.ENOTCONN, "The client has gone."));
  }

  @Override
  public int userId() {
    return peer.uid();
  }

  @Override
  public int processId() {
    return peer.pid();
  }

  // The handshake

  private Answer agree(Header header, Payload.Version version) {
    if (version.major() != MAJOR) {
      return Answer.violation(
          header, "The client wants version " + version.major() + "." + version.minor() + ".");
    }
    return switch (Capabilities.parse(version.data())) {
      case Capabilities.Parsed.Malformed refused ->
          Answer.violation(header, refused.reason() + ".");
      case Capabilities.Parsed.Understood understood -> {
        agreed = true;
        memory =
            new ClientMemory(
                dma,
                requests,
                understood.isQemu(),
                (int)
                    Math.clamp(
                        understood.capabilities().maxDataTransfer(), 1, own.maxDataTransfer()));
        guard.guarded("connected", () -> device.device().connected(this));
        yield Answer.to(
            header,
            new Payload.Version(
                MAJOR, Math.min(version.minor(), MINOR), own.reply(understood.named())));
      }
    };
  }

  // The requests

  private Result handle(Message message) {
    return switch (message.payload()) {
      case Payload.DeviceInfo info -> queries.deviceInfo(info);
      case Payload.RegionInfo info -> queries.regionInfo(info);
      case Payload.IrqInfo info -> queries.irqInfo(info);
      case Payload.IrqSet set ->
          Result.of(interrupts.set(set, message.descriptors()), Result.NOTHING);
      case Payload.RegionAccess read -> regions.read(read);
      case Payload.RegionData write -> regions.write(write);
      case Payload.RegionIoFds fds -> queries.regionIoFds(fds);
      case Payload.DeviceFeature feature -> DeviceQueries.feature(feature);
      case Payload.DmaMap map -> dmaRequests.map(map, message.descriptors());
      case Payload.Empty _ -> reset();
      case Payload.Version _ -> Result.invalid("A version has been agreed on already.");
      case Payload.Malformed malformed -> Result.invalid(malformed.reason());
      case Payload.Unknown _ -> unserved(Command.of(message.header().command()));
      case Payload.Broken broken -> Result.invalid(broken.reason());
      case Payload.RegionWrites _, Payload.DmaUnmap _ -> Result.invalid("It is answered in turns.");
      case Payload.DmaAccess _, Payload.DmaData _, Payload.DmaWritten _, Payload.RegionsWritten _ ->
          Result.invalid("No such command goes from client to server.");
    };
  }

  private Result reset() {
    return device.isResettable()
        ? Result.of(guard.guarded("reset", () -> device.device().reset()), Result.NOTHING)
        : new Result.Failure(Errno.EOPNOTSUPP, "The device cannot be reset.");
  }

  private static Result unserved(Command command) {
    return switch (command) {
      case MIG_DATA_READ, MIG_DATA_WRITE ->
          new Result.Failure(Errno.EOPNOTSUPP, "No device here can be migrated.");
      default -> Result.invalid("No such command goes from client to server.");
    };
  }
}
