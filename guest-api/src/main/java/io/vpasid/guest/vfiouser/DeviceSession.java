package io.vpasid.guest.vfiouser;

import io.vpasid.guest.socket.Descriptors;
import io.vpasid.guest.socket.PeerCredentials;
import io.vpasid.vmm.linux.Errno;
import io.vpasid.vmm.linux.calls.MemoryBudget;
import io.vpasid.vmm.vfio.Irq;
import io.vpasid.vmm.vfio.Region;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// One client's use of a device, from its first message to its end: what is answered to what.
///
/// Knows no bytes and no sockets. Used by one thread at a time.
///
/// ```text
///            VERSION                              end
///  new ───────────────▶ agreed ── any request ─┐ ─────▶ ended
///   │ anything else,      ▲ ◀──────────────────┘         ▲
///   │ or a bad VERSION    │ a request that is refused: stays
///   └─────────────────────┴── a message that breaks the protocol ┘
/// ```
final class DeviceSession implements VfioUserPeer {
  private static final Logger LOG = LoggerFactory.getLogger(DeviceSession.class);

  /// Version of the protocol.
  static final int MAJOR = 0;

  /// QEMU refuses a server that answers with a higher one than its own.
  static final int MINOR = 0;

  private final ServedDevice device;
  private final Capabilities own;
  private final boolean descriptorsPass;
  private final PeerCredentials peer;
  private final DmaRegions dma;
  private final Interrupts interrupts;
  private ClientMemory.Requests requests = DeviceSession::notConnected;
  private volatile @Nullable ClientMemory memory;
  private boolean agreed;
  private boolean faultLogged;

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
    this.descriptorsPass = descriptorsPass;
    this.peer = peer;
    this.dma =
        new DmaRegions(
            (int) own.maxDmaMaps(),
            budget,
            new DmaRegions.Listener() {
              @Override
              public Outcome mapped(DmaWindow window) {
                return guarded("DMA_MAP", () -> device.device().dmaMapped(window));
              }

              @Override
              public void unmapped(DmaWindow window) {
                guarded("DMA_UNMAP", () -> device.device().dmaUnmapped(window));
              }
            });
    this.interrupts =
        new Interrupts(
            device.irqs(),
            descriptorsPass,
            budget.descriptors(),
            new Interrupts.Listener() {
              @Override
              public Outcome assigned(int irq, int start, int... eventfds) {
                return guarded(
                    "SET_IRQS", () -> device.device().interruptsAssigned(irq, start, eventfds));
              }

              @Override
              public Outcome masked(int irq, int vector, boolean masked) {
                return guarded(
                    "SET_IRQS", () -> device.device().interruptsMasked(irq, vector, masked));
              }

              @Override
              public Outcome disabled(int irq) {
                return guarded("SET_IRQS", () -> device.device().interruptsDisabled(irq));
              }
            });
  }

  /// What is to be done about a message.
  sealed interface Answer {
    /// Nothing.
    record Silence() implements Answer {
      static final Silence INSTANCE = new Silence();
    }

    /// This is sent.
    record Reply(Message message) implements Answer {}

    /// This is sent, and then the connection is closed.
    record LastReply(Message message) implements Answer {}

    /// There is more to be done, in another turn, before the next message is looked at.
    record Unfinished(Supplier<Answer> more) implements Answer {}

    /// The connection is closed.
    record HangUp() implements Answer {
      static final HangUp INSTANCE = new HangUp();
    }
  }

  /// Lets the session ask the client.
  void reach(ClientMemory.Requests client) {
    requests = client;
  }

  private static <P extends Payload> CompletableFuture<P> notConnected(
      Command command, Payload payload, Class<P> reply, String what) {
    return CompletableFuture.failedFuture(new IOException(what + " found no client."));
  }

  /// Whether a version has been agreed on.
  boolean isAgreed() {
    return agreed;
  }

  /// Number of DMA windows that the client has mapped.
  int dmaWindows() {
    return dma.count();
  }

  /// Answers a message. Its descriptors are closed, but for those that are kept.
  Answer answer(Message message) {
    try (var descriptors = message.descriptors()) {
      Header header = message.header();
      if (!header.isRequest()) {
        return violation(header, "It is neither a request nor the reply to one.");
      }
      return switch (message.payload()) {
        case Payload.Broken broken -> violation(header, broken.reason());
        case Payload.Version version when !agreed ->
            descriptors.count() == 0
                ? agree(header, version)
                : violation(header, "Descriptors came with it.");
        case Payload _ when !agreed -> violation(header, "The first message must be a VERSION.");
        case Payload.RegionWrites several -> writeAll(header, several, 0);
        case Payload.DmaUnmap unmap -> unmap(header, unmap);
        default -> reply(header, handle(message));
      };
    }
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
      guarded("disconnected", () -> device.device().disconnected());
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
      return violation(
          header, "The client wants version " + version.major() + "." + version.minor() + ".");
    }
    return switch (Capabilities.parse(version.data())) {
      case Capabilities.Parsed.Malformed refused -> violation(header, refused.reason() + ".");
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
        guarded("connected", () -> device.device().connected(this));
        yield reply(
            header,
            new Payload.Version(
                MAJOR, Math.min(version.minor(), MINOR), own.reply(understood.named())));
      }
    };
  }

  // The requests

  /// What a request comes to: the payload of its reply, or why it is refused.
  private sealed interface Result {
    record Success(Payload payload) implements Result {}

    record Failure(Errno errno, String reason) implements Result {}
  }

  private static final Result NOTHING = new Result.Success(Payload.Empty.INSTANCE);

  private Result handle(Message message) {
    return switch (message.payload()) {
      case Payload.DeviceInfo info -> deviceInfo(info);
      case Payload.RegionInfo info -> regionInfo(info);
      case Payload.IrqInfo info -> irqInfo(info);
      case Payload.IrqSet set -> result(interrupts.set(set, message.descriptors()), NOTHING);
      case Payload.RegionAccess read -> read(read);
      case Payload.RegionData write -> write(write);
      case Payload.RegionIoFds fds -> regionIoFds(fds);
      case Payload.DeviceFeature feature -> feature(feature);
      case Payload.DmaMap map -> map(map, message.descriptors());
      case Payload.Empty _ -> reset();
      case Payload.Version _ -> invalid("A version has been agreed on already.");
      case Payload.Malformed malformed -> invalid(malformed.reason());
      case Payload.Unknown _ -> unserved(Command.of(message.header().command()));
      case Payload.Broken broken -> invalid(broken.reason());
      case Payload.RegionWrites _, Payload.DmaUnmap _ -> invalid("It is answered in turns.");
      case Payload.DmaAccess _, Payload.DmaData _, Payload.DmaWritten _, Payload.RegionsWritten _ ->
          invalid("No such command goes from client to server.");
    };
  }

  private Result deviceInfo(Payload.DeviceInfo request) {
    if (request.argsz() < Payload.DeviceInfo.LENGTH) {
      return badArgsz(request.argsz(), Payload.DeviceInfo.LENGTH);
    }
    int reset = device.isResettable() ? Payload.DeviceInfo.RESET : 0;
    return new Result.Success(
        new Payload.DeviceInfo(
            Payload.DeviceInfo.LENGTH,
            Payload.DeviceInfo.PCI | reset,
            device.regions().size(),
            device.irqs().size()));
  }

  private Result regionInfo(Payload.RegionInfo request) {
    if (request.argsz() < Payload.RegionInfo.LENGTH) {
      return badArgsz(request.argsz(), Payload.RegionInfo.LENGTH);
    }
    if (request.index() >= device.regions().size()) {
      return invalid("There is no region " + request.index() + ".");
    }
    Region region = device.regions().get((int) request.index());
    return new Result.Success(
        new Payload.RegionInfo(
            Payload.RegionInfo.LENGTH, region.flags(), request.index(), 0, region.size(), 0));
  }

  private Result irqInfo(Payload.IrqInfo request) {
    if (request.argsz() < Payload.IrqInfo.LENGTH) {
      return badArgsz(request.argsz(), Payload.IrqInfo.LENGTH);
    }
    if (request.index() >= device.irqs().size()) {
      return invalid("There is no interrupt type " + request.index() + ".");
    }
    Irq irq = device.irqs().get((int) request.index());
    int flags = descriptorsPass ? irq.flags() : irq.flags() & ~Irq.EVENTFD;
    return new Result.Success(
        new Payload.IrqInfo(Payload.IrqInfo.LENGTH, flags, request.index(), irq.count()));
  }

  private Result read(Payload.RegionAccess request) {
    if (!isWithin(request.region(), request.offset(), request.count(), Region.READ)) {
      return outside(request.region(), request.offset(), request.count());
    }
    ByteBuffer data = ByteBuffer.allocate((int) request.count()).order(ByteOrder.LITTLE_ENDIAN);
    int region = (int) request.region();
    Outcome outcome =
        request.count() == 0
            ? Outcome.done()
            : guarded("read", () -> device.device().read(region, request.offset(), data));
    if (outcome instanceof Outcome.Done && data.hasRemaining()) {
      logFault("read", new IllegalStateException(data.remaining() + " bytes were not filled"));
      return new Result.Failure(Errno.EIO, "The device did not fill the buffer.");
    }
    return result(
        outcome,
        new Result.Success(
            new Payload.RegionData(request.offset(), request.region(), data.rewind())));
  }

  private Result write(Payload.RegionData request) {
    long count = request.data().remaining();
    if (!isWithin(request.region(), request.offset(), count, Region.WRITE)) {
      return outside(request.region(), request.offset(), count);
    }
    int region = (int) request.region();
    Outcome outcome =
        count == 0
            ? Outcome.done()
            : guarded(
                "write", () -> device.device().write(region, request.offset(), request.data()));
    return result(
        outcome,
        new Result.Success(new Payload.RegionAccess(request.offset(), request.region(), count)));
  }

  /// Makes the writes in order, and stops before the first that cannot be made.
  ///
  /// @param from the first that is not made yet
  private Answer writeAll(Header header, Payload.RegionWrites request, int from) {
    Turn turn = Turn.begin();
    int count = request.writes().size();
    for (int i = from; i < count; i++) {
      int at = i;
      if (i > from && i % Turn.STEPS == 0 && !turn.hasTime()) {
        return new Answer.Unfinished(() -> writeAll(header, request, at));
      }
      if (write(request.writes().get(i)) instanceof Result.Failure failure) {
        LOG.debug("Write {} of {}: {}", i, count, failure.reason());
        return reply(header, i == 0 ? failure : new Result.Success(new Payload.RegionsWritten(i)));
      }
    }
    return reply(header, new Result.Success(new Payload.RegionsWritten(count)));
  }

  /// No part of any region has a descriptor that an access could be told through.
  private Result regionIoFds(Payload.RegionIoFds request) {
    if (request.argsz() < Payload.RegionIoFds.LENGTH) {
      return badArgsz(request.argsz(), Payload.RegionIoFds.LENGTH);
    }
    if (request.flags() != 0
        || request.count() != 0
        || request.index() >= device.regions().size()) {
      return invalid(
          "The flags are "
              + Integer.toHexString(request.flags())
              + ", the count "
              + request.count()
              + ", the region "
              + request.index()
              + ".");
    }
    return new Result.Success(
        new Payload.RegionIoFds(Payload.RegionIoFds.LENGTH, 0, request.index(), 0));
  }

  /// All features of the protocol are about migration, which no device here can do. A well-formed
  /// request is answered as Linux answers for a feature that a device does not have.
  private static Result feature(Payload.DeviceFeature request) {
    int operation = request.flags() & ~Payload.DeviceFeature.FEATURE_MASK;
    boolean probe = (operation & Payload.DeviceFeature.PROBE) != 0;
    int wanted = operation & (Payload.DeviceFeature.GET | Payload.DeviceFeature.SET);
    if ((operation & ~Payload.DeviceFeature.PROBE) != wanted
        || (!probe && Integer.bitCount(wanted) != 1)) {
      return invalid("The flags are " + Integer.toHexString(request.flags()) + ".");
    }
    if (request.argsz() < Payload.DeviceFeature.LENGTH) {
      return badArgsz(request.argsz(), Payload.DeviceFeature.LENGTH);
    }
    return new Result.Failure(
        Errno.ENOTTY,
        "There is no feature " + (request.flags() & Payload.DeviceFeature.FEATURE_MASK) + ".");
  }

  /// Whether a region permits an access and holds all of it. An access of no bytes is one, too.
  private boolean isWithin(long index, long offset, long count, int flag) {
    if (index >= device.regions().size() || count > own.maxDataTransfer()) {
      return false;
    }
    Region region = device.regions().get((int) index);
    return (region.flags() & flag) != 0
        && offset >= 0
        && offset <= region.size()
        && count <= region.size() - offset;
  }

  private Result outside(long region, long offset, long count) {
    return invalid(
        count
            + " bytes at "
            + Long.toUnsignedString(offset)
            + " of region "
            + region
            + " cannot be accessed.");
  }

  private Result map(Payload.DmaMap request, Descriptors descriptors) {
    if (request.argsz() < Payload.DmaMap.LENGTH) {
      return badArgsz(request.argsz(), Payload.DmaMap.LENGTH);
    }
    if ((request.flags() & ~(Payload.DmaMap.READABLE | Payload.DmaMap.WRITABLE)) != 0
        || descriptors.count() > 1) {
      return invalid(
          "The flags are "
              + Integer.toHexString(request.flags())
              + ", and "
              + descriptors.count()
              + " descriptors came.");
    }
    return result(dma.map(request, descriptors), NOTHING);
  }

  private Answer unmap(Header header, Payload.DmaUnmap request) {
    if (request.argsz() < Payload.DmaUnmap.LENGTH) {
      return reply(header, badArgsz(request.argsz(), Payload.DmaUnmap.LENGTH));
    }
    return switch (request.flags()) {
      case 0 ->
          dma.mayUnmap(request.address(), request.size()) instanceof Outcome.Failed refused
              ? reply(header, new Result.Failure(refused.errno(), refused.reason()))
              : unmapRange(header, request);
      case Payload.DmaUnmap.ALL ->
          request.address() != 0 || request.size() != 0
              ? reply(header, invalid("A range was given with the request to unmap all."))
              : unmapAll(header, request);
      case Payload.DmaUnmap.GET_DIRTY_BITMAP ->
          reply(header, new Result.Failure(Errno.EOPNOTSUPP, "Dirty pages are not tracked."));
      default ->
          reply(header, invalid("The flags are " + Integer.toHexString(request.flags()) + "."));
    };
  }

  private Answer unmapRange(Header header, Payload.DmaUnmap request) {
    long last = request.address() + request.size() - 1;
    return dma.unmap(request.address(), last, Turn.begin())
        ? reply(header, new Result.Success(request))
        : new Answer.Unfinished(() -> unmapRange(header, request));
  }

  private Answer unmapAll(Header header, Payload.DmaUnmap request) {
    return dma.clear(Turn.begin())
        ? reply(header, new Result.Success(request))
        : new Answer.Unfinished(() -> unmapAll(header, request));
  }

  private Result reset() {
    return device.isResettable()
        ? result(guarded("reset", () -> device.device().reset()), NOTHING)
        : new Result.Failure(Errno.EOPNOTSUPP, "The device cannot be reset.");
  }

  private static Result unserved(Command command) {
    return switch (command) {
      case MIG_DATA_READ, MIG_DATA_WRITE ->
          new Result.Failure(Errno.EOPNOTSUPP, "No device here can be migrated.");
      default -> invalid("No such command goes from client to server.");
    };
  }

  // The device

  private Outcome guarded(String what, Supplier<Outcome> call) {
    try {
      return call.get();
    } catch (RuntimeException e) {
      logFault(what, e);
      return Outcome.refused(Errno.EIO, "The device failed.");
    }
  }

  private void guarded(String what, Runnable call) {
    try {
      call.run();
    } catch (RuntimeException e) {
      logFault(what, e);
    }
  }

  /// A client may make a fault happen as often as it likes, so it is told of once.
  private void logFault(String what, RuntimeException fault) {
    if (faultLogged) {
      LOG.debug("The device failed again at {}.", what, fault);
    } else {
      faultLogged = true;
      LOG.error("The device failed at {}.", what, fault);
    }
  }

  // Replies

  private static Result result(Outcome outcome, Result success) {
    return switch (outcome) {
      case Outcome.Done _ -> success;
      case Outcome.Failed refused -> new Result.Failure(refused.errno(), refused.reason());
    };
  }

  private static Result invalid(String reason) {
    return new Result.Failure(Errno.EINVAL, reason);
  }

  private static Result badArgsz(long argsz, int length) {
    return invalid("argsz is " + argsz + ", less than the " + length + " needed.");
  }

  private static Answer reply(Header request, Result result) {
    return switch (result) {
      case Result.Success success -> reply(request, success.payload());
      case Result.Failure failure -> {
        log(request, failure.errno(), failure.reason());
        yield request.wantsReply()
            ? new Answer.Reply(Message.of(request.failure(failure.errno()), Payload.Empty.INSTANCE))
            : Answer.Silence.INSTANCE;
      }
    };
  }

  private static Answer reply(Header request, Payload payload) {
    return request.wantsReply()
        ? new Answer.Reply(Message.of(request.reply(), payload))
        : Answer.Silence.INSTANCE;
  }

  /// Ends the connection, with EINVAL for a last word where one is expected.
  private static Answer violation(Header header, String reason) {
    log(header, Errno.EINVAL, reason);
    return header.wantsReply()
        ? new Answer.LastReply(Message.of(header.failure(Errno.EINVAL), Payload.Empty.INSTANCE))
        : Answer.HangUp.INSTANCE;
  }

  private static void log(Header header, Errno errno, String reason) {
    if (LOG.isDebugEnabled()) {
      LOG.debug(
          "Message {}, {}: {}. {}", header.id(), Command.describe(header.command()), errno, reason);
    }
  }

  /// A device as it described itself once, and the guard against its bugs.
  ///
  /// @param regions by index, at most [#MAX_REGIONS]
  /// @param irqs by index, at most [#MAX_IRQS]
  record ServedDevice(
      VfioUserDevice device, List<Region> regions, List<Irq> irqs, boolean isResettable) {
    /// More than QEMU takes from a server.
    static final int MAX_REGIONS = 100;

    /// More than QEMU takes from a server.
    static final int MAX_IRQS = 50;

    /// Asks the device what it is.
    ///
    /// @throws IllegalArgumentException if it has too many regions or interrupt types
    static ServedDevice of(VfioUserDevice device) {
      List<Region> regions = List.copyOf(device.regions());
      List<Irq> irqs = List.copyOf(device.irqs());
      if (regions.size() > MAX_REGIONS || irqs.size() > MAX_IRQS) {
        throw new IllegalArgumentException(
            "A device has at most "
                + MAX_REGIONS
                + " regions and "
                + MAX_IRQS
                + " interrupt types, not "
                + regions.size()
                + " and "
                + irqs.size());
      }
      return new ServedDevice(device, regions, irqs, device.isResettable());
    }
  }
}
