package io.vpasid.guest.daemon;

import io.vpasid.guest.config.DaemonConfigShape;
import io.vpasid.guest.config.FunctionConfig;
import io.vpasid.guest.config.FunctionDescription;
import io.vpasid.guest.config.InputException;
import io.vpasid.guest.control.ControlEvent;
import io.vpasid.guest.host.Backing;
import io.vpasid.guest.vfiouser.VfioUserServer;
import io.vpasid.guest.vfiouser.VfioUserSockets;
import io.vpasid.pci.PciAddress;
import io.vpasid.synth.quirk.QuirkTable;
import io.vpasid.vmm.frontend.mailbox.RequestMailbox;
import io.vpasid.vmm.frontend.mailbox.RequestWorkers;
import io.vpasid.vmm.iommufd.IommufdException;
import java.io.IOException;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.slf4j.event.Level;

/// The functions that a daemon serves. They come and go on its worker; any thread may ask which
/// there are.
final class ServedFunctions implements AutoCloseable {
  private final Daemon daemon;
  private final VfioUserSockets sockets;
  private final VfioUserServer.Options limits;
  private final FunctionHosts hosts;
  private final RequestWorkers requests = RequestWorkers.open();
  private final Map<String, ServedFunction> functions = new ConcurrentSkipListMap<>();
  private final Map<String, FunctionServer> servers = new ConcurrentSkipListMap<>();

  /// @param sockets the threads of functions that have none for themselves
  ServedFunctions(Daemon daemon, VfioUserSockets sockets) {
    this.daemon = daemon;
    this.sockets = sockets;
    limits = daemon.config().limits().ofServer();
    hosts = new FunctionHosts(daemon.config().limits());
  }

  /// All, by name.
  Collection<ServedFunction> all() {
    return functions.values();
  }

  /// The function of a name.
  Optional<ServedFunction> find(String name) {
    return Optional.ofNullable(functions.get(name));
  }

  /// Bytes that guests have written to the BARs of emulated functions.
  long barBytes() {
    return hosts.barBytes();
  }

  /// Serves a function more.
  ///
  /// @throws InputException if it is unavailable; nothing has changed then
  /// @throws IOException with a sentence, if its socket cannot be made
  ServedFunction add(FunctionConfig wanted, QuirkTable quirks) throws IOException {
    if (functions.containsKey(wanted.name())) {
      throw taken(wanted.name());
    }
    if (functions.size() >= DaemonConfigShape.MAX_FUNCTIONS) {
      throw new InputException(
          "there are " + functions.size() + " functions, and no room for more; delete one");
    }
    FunctionDescription described = wanted.read();
    if (wanted.ownHost().isPresent()) {
      described = described.movedTo(freeAddress(described.address()));
    } else {
      Optional<ServedFunction> other = at(described.address());
      if (other.isPresent()) {
        throw wanted.servedAlready(described.address(), other.get().name());
      }
    }
    try {
      return serve(wanted, hosts.open(wanted, described, quirks));
    } catch (IommufdException e) {
      throw new InputException("function '" + wanted.name() + "': " + e.getMessage(), e);
    }
  }

  static InputException taken(String name) {
    return new InputException("there is a function '" + name + "' already");
  }

  /// An address in the first domain, from that of `wanted` on, where no function has it.
  private PciAddress freeAddress(PciAddress wanted) {
    PciAddress free = wanted;
    while (at(free).isPresent()) {
      free =
          new PciAddress(
              (free.domain() + 1) & Integer.MAX_VALUE, free.bus(), free.device(), free.function());
    }
    return free;
  }

  private Optional<ServedFunction> at(PciAddress address) {
    return functions.values().stream()
        .filter(served -> served.address().equals(address))
        .findFirst();
  }

  private ServedFunction serve(FunctionConfig wanted, Backing backing) throws IOException {
    ServedFunction served =
        new ServedFunction(
            wanted,
            backing,
            wanted.mailbox()
                ? RequestMailbox.serve(backing.function(), daemon.spaces().table(), requests)
                : Optional.empty());
    try {
      // Everything is ready before the first client can come.
      daemon.spaces().functionAdded(served);
      daemon.events().listenTo(served);
      servers.put(
          wanted.name(), FunctionServer.open(wanted, backing, limits, sockets, Daemon::lostThread));
    } catch (IOException | RuntimeException e) {
      served.function().close();
      release(served);
      throw e;
    }
    functions.put(wanted.name(), served);
    daemon
        .events()
        .tell(
            ControlEvent.FUNCTION_ADDED,
            EventData.of("function", wanted.name()).and("socket", wanted.socket()));
    if (wanted.mailbox() && served.mailbox().isEmpty()) {
      daemon
          .log()
          .say(
              Level.WARN,
              "There is no place for the request mailbox, and the guest will not find one.",
              EventData.of("function", wanted.name()));
    }
    return served;
  }

  private void release(ServedFunction served) {
    daemon.spaces().functionRemoved(served);
    served.backing().release();
  }

  /// The outcome of the end of a function.
  ///
  /// @param detached how many PASIDs were attached
  /// @param left how many the simulated host still had attached after that; empty if its host is a
  ///   real one, which cannot be asked
  /// @param isReleased whether the host has it back; if not, its kernel or its hardware takes
  ///   longer than [LongWork#BOUND], and it will be when they are done
  /// @param iommu the name of the IOMMU that went with it
  record Removed(
      int detached, Optional<Integer> left, boolean isReleased, Optional<String> iommu) {}

  /// Stops serving a function, and with one that has a host for itself the IOMMU that covers it,
  /// which cannot be without that host.
  Removed remove(ServedFunction served) {
    functions.remove(served.name());
    Optional<String> iommu =
        served.backing().isAlone() ? daemon.iommus().removeOver(served) : Optional.empty();
    int attached = served.function().attachments().count();
    LongWork closing = LongWork.begin("end of " + served.name(), () -> giveBack(served));
    boolean isClosed = closing.endsIn(LongWork.BOUND);
    Optional<Integer> left = Optional.empty();
    if (isClosed) {
      left = served.backing().simulated().map(host -> host.attachedPasidCount(served.address()));
      release(served);
    } else {
      daemon
          .log()
          .say(
              Level.WARN,
              "The function is busy for a long time; it is released when it is done.",
              EventData.of("function", served.name()));
      closing.then(() -> daemon.worker().execute(() -> release(served)));
    }
    daemon.events().tell(ControlEvent.FUNCTION_DELETED, EventData.of("function", served.name()));
    return new Removed(attached, left, isClosed, iommu);
  }

  /// Disconnects the client of a function and gives the function back.
  private void giveBack(ServedFunction served) {
    Optional.ofNullable(servers.remove(served.name())).ifPresent(FunctionServer::close);
    daemon.iommus().all().forEach(its -> its.iommu().uncover(served.function()));
    served.function().close();
  }

  /// Stops serving all.
  ///
  /// @return how many PASIDs were attached
  int removeAll() {
    disconnectAll();
    return List.copyOf(functions.values()).stream()
        .mapToInt(served -> remove(served).detached())
        .sum();
  }

  /// Disconnects the clients of all functions at the same time, because each may lead to a reset.
  private void disconnectAll() {
    try (ExecutorService each = Executors.newVirtualThreadPerTaskExecutor()) {
      servers.values().forEach(server -> each.execute(server::close));
    }
  }

  /// Ends what all of them shared, when none is left.
  @Override
  public void close() {
    requests.close();
    hosts.close();
  }
}
