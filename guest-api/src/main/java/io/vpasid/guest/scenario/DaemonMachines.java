package io.vpasid.guest.scenario;

import io.vpasid.guest.control.ControlClient;
import io.vpasid.guest.control.ControlClient.Call;
import io.vpasid.guest.control.ControlClient.Reply;
import io.vpasid.guest.control.ControlException;
import io.vpasid.guest.scenario.Machine.Event;
import io.vpasid.guest.scenario.Machine.EventKind;
import io.vpasid.guest.vfiouser.VfioUserClient;
import io.vpasid.guest.vfiouser.VfioUserSockets;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/// Machines in a running daemon: the host's side of each is told through the control socket, the
/// guest's accesses go through a vfio-user socket.
///
/// Each machine is a function that is added for it, on a simulated host of its own, and address
/// spaces. Their names begin with a random number, so that several of these can use a daemon at the
/// same time. The daemon takes away what is left when the connection ends, however it ends.
///
/// All machines share one connection, and wait for one another's commands. Safe to use from several
/// threads.
public final class DaemonMachines implements Scenario.Machines, AutoCloseable {
  /// How long a command may take before the daemon counts as gone.
  private static final Duration PATIENCE = Duration.ofSeconds(30);

  private static final long BETWEEN_EVENTS = Duration.ofMillis(5).toNanos();

  private static final VfioUserClient.Options GUEST =
      VfioUserClient.Options.defaults().withTimeout(PATIENCE);

  private final Path path;
  private final ControlClient control;
  private final VfioUserSockets sockets = VfioUserSockets.open("scenario-guest", 1);
  private final String prefix =
      String.format(Locale.ROOT, "run-%012x", ThreadLocalRandom.current().nextLong(1L << 48));
  private final AtomicInteger made = new AtomicInteger();

  // From here on only with the lock.
  private final ReentrantLock lock = new ReentrantLock();
  private final Map<String, Queue<Event>> events = new HashMap<>();
  private @Nullable IOException lost;

  /// The machines of which the daemon has not told everything.
  private final Set<String> incomplete = new HashSet<>();

  private DaemonMachines(Path path, ControlClient control) {
    this.path = path;
    this.control = control;
    Thread.ofVirtual().name("scenario-events").start(this::readEvents);
  }

  /// Reads events while no command is under way: a daemon does not keep them for a client that does
  /// not read, and tells all clients of all guests, hostile ones too.
  private void readEvents() {
    while (readWaiting()) {
      LockSupport.parkNanos(BETWEEN_EVENTS);
    }
  }

  /// @return false if there is no connection any more
  private boolean readWaiting() {
    lock.lock();
    try {
      requirePresent();
      sortEvents();
      return true;
    } catch (IOException e) {
      var _ = gone(e);
      return false;
    } finally {
      lock.unlock();
    }
  }

  /// Connects to a daemon.
  ///
  /// @param control its control socket
  /// @throws IOException with a sentence that names the path, if there is no daemon or it does not
  ///   let us
  public static DaemonMachines connect(Path control) throws IOException {
    Path absolute = control.toAbsolutePath().normalize();
    try {
      return new DaemonMachines(absolute, ControlClient.connectTemporarily(absolute, PATIENCE));
    } catch (ControlException e) {
      throw new IOException("the daemon at " + absolute + " refuses: " + e.desc(), e);
    }
  }

  @Override
  public Machine open(Setup setup, int guest) {
    String name = prefix + '-' + made.incrementAndGet();
    lock.lock();
    try {
      events.put(name, new ArrayDeque<>());
    } finally {
      lock.unlock();
    }
    return DaemonMachine.open(this, name, setup);
  }

  /// Where a machine's vfio-user socket goes: beside the control socket, where the daemon can make
  /// one and we can reach it.
  Path socket(String name) {
    return path.resolveSibling(name + ".sock");
  }

  /// Takes such a socket away: a daemon that is killed leaves it.
  ///
  /// @throws MachineException if it stays
  void removeSocket(String name) {
    try {
      Files.deleteIfExists(socket(name));
    } catch (IOException e) {
      throw new MachineException("its socket stays: " + e.getMessage(), e);
    }
  }

  VfioUserClient guest(Path socket) throws IOException {
    return sockets.connect(socket, GUEST);
  }

  /// Has commands done one after the other, in one way there and back.
  ///
  /// @return the reply to each, which is a refusal where the daemon refuses
  /// @throws UncheckedIOException if it is gone
  List<Reply> executeAll(List<Call> calls) {
    lock.lock();
    try {
      requirePresent();
      try {
        return control.executeAll(calls);
      } finally {
        sortEvents();
      }
    } catch (IOException e) {
      throw gone(e);
    } finally {
      lock.unlock();
    }
  }

  /// Has a command done.
  ///
  /// @throws ControlException if the daemon refuses
  /// @throws UncheckedIOException if it is gone
  JsonNode execute(String command, ObjectNode arguments) {
    return executeAll(List.of(new Call(command, arguments))).getFirst().result();
  }

  /// The reason why a guest's access does not come through: the daemon is gone, or only what it
  /// serves there.
  ///
  /// @throws UncheckedIOException if the daemon is gone
  MachineException broken(IOException e) {
    var _ = execute("query-version", JsonNodeFactory.instance.objectNode());
    return new MachineException("its vfio-user socket does not answer: " + e.getMessage(), e);
  }

  /// Takes the events of a machine since the last call, oldest first.
  ///
  /// @throws UncheckedIOException if the daemon is gone
  /// @throws ImpossibleException if it has not told everything that has happened
  List<Event> takeEvents(String name) {
    lock.lock();
    try {
      requirePresent();
      // What a vfio-user access brought about was sent before its reply, and comes before that of
      // a later command.
      var _ = control.execute("query-version", JsonNodeFactory.instance.objectNode());
      sortEvents();
      if (incomplete.contains(name)) {
        throw new ImpossibleException("the daemon was too busy to tell all events");
      }
      Queue<Event> waiting = events.getOrDefault(name, new ArrayDeque<>());
      List<Event> taken = new ArrayList<>(waiting);
      waiting.clear();
      return taken;
    } catch (IOException e) {
      throw gone(e);
    } finally {
      lock.unlock();
    }
  }

  /// Hears no more of a machine.
  void forget(String name) {
    lock.lock();
    try {
      events.remove(name);
      incomplete.remove(name);
    } finally {
      lock.unlock();
    }
  }

  private void requirePresent() throws IOException {
    IOException before = lost;
    if (before != null) {
      throw before;
    }
  }

  /// After a lost connection nothing is asked any more: nobody knows which reply would come.
  private UncheckedIOException gone(IOException e) {
    if (lost == null) {
      lost = new IOException("the daemon at " + path + " is gone: " + e.getMessage(), e);
    }
    return new UncheckedIOException(lost.getMessage(), lost);
  }

  /// Gives each event that has come to the machine that it is about.
  private void sortEvents() throws IOException {
    Optional<ObjectNode> next = control.nextEvent(Duration.ZERO);
    while (next.isPresent()) {
      JsonNode data = next.get().path("data");
      if (next.get().path("event").asString("").equals("EVENTS_LOST")) {
        addIncomplete(data);
      }
      Queue<Event> of = events.get(data.path("function").asString(""));
      if (of != null) {
        kind(next.get())
            .ifPresent(kind -> of.add(new Event(kind, (int) data.path("pasid").asLong(0))));
      }
      next = control.nextEvent(Duration.ZERO);
    }
  }

  /// Events of a function tell whose they were; any other loss may be of every machine's.
  private void addIncomplete(JsonNode loss) {
    Set<String> machines = new HashSet<>(events.keySet());
    if (loss.has("function")) {
      machines.retainAll(Set.of(loss.path("function").asString("")));
    }
    incomplete.addAll(machines);
  }

  private static Optional<EventKind> kind(ObjectNode event) {
    return switch (event.path("event").asString("")) {
      case "PASID_ATTACHED" ->
          Optional.of(event.path("data").has("replaced") ? EventKind.REPLACED : EventKind.ATTACHED);
      case "PASID_DETACHED" -> Optional.of(EventKind.DETACHED);
      case "PASID_REFUSED" -> Optional.of(EventKind.REFUSED);
      case "PASID_ENABLED" -> Optional.of(EventKind.ENABLED);
      case "PASID_DISABLED" -> Optional.of(EventKind.DISABLED);
      default -> Optional.empty();
    };
  }

  /// Disconnects; the daemon takes away what is left.
  @Override
  public void close() {
    lock.lock();
    try {
      if (lost == null) {
        lost = new IOException("the connection to " + path + " was closed");
      }
      control.close();
    } finally {
      lock.unlock();
    }
    sockets.close();
  }
}
