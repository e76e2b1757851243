package io.vpasid.guest.daemon;

import io.vpasid.guest.config.Limits;
import io.vpasid.guest.config.TenantPart;
import io.vpasid.guest.control.ControlCommand;
import io.vpasid.guest.control.ControlEvent;
import io.vpasid.guest.control.ControlException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.event.Level;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/// The process that serves one tenant's functions: started, listened to, and started again when it
/// has ended, by a thread of its own.
///
/// ```text
///            serves                    ends                      after a while
///  STARTING ────────▶ SERVING ──────────────────────▶ WAITING ──────────────────▶ STARTING
///      │                        │ for the 8th time in a row, or by a bad configuration
///      └────────────────────────┴───────────────────▶ FAILED ──── restart ──────▶ STARTING
/// ```
///
/// What the process tells is not trusted: a tenant may have taken it over. It has a bound, and is
/// parsed as a control client's words are.
final class TenantProcess implements AutoCloseable {
  /// The state of the process.
  enum State {
    STARTING,
    SERVING,
    WAITING,
    FAILED
  }

  /// Ends in a row after which it is not started again. The waits between them add up to 51 s.
  static final int MOST_ENDS = 8;

  private static final Duration MOST_START = Duration.ofSeconds(30);
  private static final Duration FIRST_WAIT = Duration.ofMillis(400);

  /// A process that has served so long has started well, and counts as the first again.
  private static final Duration WELL = Duration.ofMinutes(1);

  /// The exit code of a bad configuration, which stays bad.
  private static final int BAD_INPUT = 2;

  private static final int MOST_BYTES = 16 << 20;
  private static final JsonMapper JSON = new JsonMapper();

  private final IsolatedDaemon daemon;
  private final TenantPart part;
  private final ChildCommand command;
  private final TenantControl control;
  private final int parent;
  private final Optional<TenantGroups> groups;
  private final Semaphore starts;
  private final CountDownLatch firstStart = new CountDownLatch(1);
  private final Thread thread;

  // Guarded by this object.
  private State state = State.STARTING;
  private boolean ending;
  private boolean restarting;
  private @Nullable Process process;
  private JsonNode served = JsonNodeFactory.instance.objectNode();
  private int timesStarted;

  /// @param daemon tells and logs what happens to the process, and in it
  /// @param folder of its control socket, which is made
  /// @param parent id of the user of this process
  /// @param starts of all tenants that may be under way at the same time
  TenantProcess(
      IsolatedDaemon daemon,
      TenantPart part,
      ChildCommand command,
      Path folder,
      int parent,
      Optional<TenantGroups> groups,
      Semaphore starts) {
    this.daemon = daemon;
    this.part = part;
    this.command = command;
    control = new TenantControl(folder);
    this.parent = parent;
    this.groups = groups;
    this.starts = starts;
    thread = Thread.ofPlatform().name("tenant " + part.name()).daemon().start(this::live);
  }

  String name() {
    return part.name();
  }

  private EventData data() {
    return EventData.of("tenant", name());
  }

  private void troubled(String sentence) {
    daemon.log().say(Level.WARN, sentence, data());
  }

  TenantPart part() {
    return part;
  }

  synchronized State state() {
    return state;
  }

  /// The number of times that it was started.
  synchronized int timesStarted() {
    return timesStarted;
  }

  /// The process's id; empty while there is none.
  synchronized Optional<Long> pid() {
    return Optional.ofNullable(process).map(Process::pid);
  }

  /// What the process told when it began to serve: `functions` and `summary`, which has lines.
  synchronized JsonNode served() {
    return served;
  }

  /// Waits until the process serves for the first time, or has failed.
  ///
  /// @return whether it serves
  boolean hasStarted() throws InterruptedException {
    firstStart.await();
    return state() == State.SERVING;
  }

  /// Ends the process and starts it, also after it has failed.
  synchronized void restart() {
    restarting = true;
    if (process != null) {
      end(process);
      killUnlessItEnds(process);
    }
    notifyAll();
  }

  private static void killUnlessItEnds(Process ending) {
    Thread.ofVirtual()
        .start(() -> {
          try {
            if (!ending.waitFor(TenantControl.ANSWER)) {
              ending.destroyForcibly();
            }
          } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
          }
        });
  }

  /// Changes the part while there is no process, and before the next one is told of it.
  ///
  /// @return false if there is a process; nothing is changed then
  synchronized boolean changeWithoutProcess(Runnable change) {
    if (process != null) {
      return false;
    }
    change.run();
    return true;
  }

  /// Has the process do a command.
  ///
  /// @throws ControlException if it refuses, or does not answer
  JsonNode execute(ControlCommand command, ObjectNode arguments) {
    if (state() != State.SERVING) {
      throw ControlException.generic(
          "the process of tenant '%s' does not serve at the moment; query-tenants tells why"
              .formatted(name()));
    }
    try {
      return control.execute(command, arguments);
    } catch (IOException e) {
      throw ControlException.generic(
          "the process of tenant '%s' does not answer, and tenant-restart ends it: %s"
              .formatted(name(), e.getMessage()));
    }
  }

  // The thread

  private void live() {
    int ends = 0;
    try {
      while (true) {
        long start = System.nanoTime();
        int exitCode = runOnce();
        firstStart.countDown();
        Duration ran = Duration.ofNanos(System.nanoTime() - start);
        synchronized (this) {
          if (ending) {
            return;
          }
          ends = restarting || ran.compareTo(WELL) > 0 ? 1 : ends + 1;
          state = ends < MOST_ENDS && exitCode != BAD_INPUT ? State.WAITING : State.FAILED;
        }
        Duration wait = FIRST_WAIT.multipliedBy(1L << (ends - 1));
        boolean isFinal = state() == State.FAILED;
        daemon.tell(
            isFinal ? Level.ERROR : Level.WARN,
            ControlEvent.TENANT_ENDED,
            data()
                .and("exit", exitCode)
                .and("startsIn", isFinal ? Optional.empty() : Optional.of(wait.toMillis())));
        if (!mayStartAgain(wait)) {
          return;
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      firstStart.countDown();
    }
  }

  /// Waits for the next start.
  ///
  /// @return false if there is none
  private synchronized boolean mayStartAgain(Duration wait) throws InterruptedException {
    long until = System.nanoTime() + wait.toNanos();
    long left = wait.toMillis();
    while (!ending && !restarting && (state == State.FAILED || left > 0)) {
      wait(state == State.FAILED ? 0 : left);
      left = TimeUnit.NANOSECONDS.toMillis(until - System.nanoTime());
    }
    restarting = false;
    state = State.STARTING;
    return !ending;
  }

  /// Starts the process and goes with it to its end.
  ///
  /// @return its exit code; -1 if it could not be started
  private int runOnce() throws InterruptedException {
    Process started = null;
    // One that hangs does not keep the others from starting for ever.
    boolean isStarting = starts.tryAcquire(MOST_START.toSeconds(), TimeUnit.SECONDS);
    try {
      started = start();
      if (readServed(started)) {
        if (isStarting) {
          starts.release();
          isStarting = false;
        }
        firstStart.countDown();
        daemon.tell(Level.INFO, ControlEvent.TENANT_STARTED, data().and("pid", started.pid()));
        listenTo(started);
      } else {
        killUnlessItEnds(started);
      }
    } catch (IOException e) {
      troubled("The process of a tenant cannot be started: " + e.getMessage());
    } finally {
      if (isStarting) {
        starts.release();
      }
    }
    int exitCode = started == null ? -1 : started.waitFor();
    synchronized (this) {
      process = null;
    }
    return exitCode;
  }

  private Process start() throws IOException {
    control.makeFolder(part.tenant().user());
    Process started =
        new ProcessBuilder(command.words(part.tenant(), part.functions().size()))
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    synchronized (this) {
      process = started;
      timesStarted++;
      if (ending) {
        end(started);
      }
    }
    if (groups.isPresent()) {
      try {
        groups.get().add(name(), started.pid(), part.tenant().memory());
      } catch (IOException e) {
        troubled("A tenant has no control group: " + e.getMessage());
      }
    }
    OutputStream input = started.getOutputStream();
    input.write(part.line(control.socket(), parent));
    input.flush();
    return started;
  }

  /// Reads the line by which the process tells that it serves.
  ///
  /// @return whether it does
  private boolean readServed(Process started) throws IOException {
    ByteArrayOutputStream line = new ByteArrayOutputStream();
    InputStream output = started.getInputStream();
    int next = output.read();
    while (next >= 0 && next != '\n' && line.size() < MOST_BYTES) {
      line.write(next);
      next = output.read();
    }
    if (next != '\n') {
      return false;
    }
    JsonNode told;
    try {
      told = JSON.readTree(line.toByteArray());
    } catch (JacksonException e) {
      return false;
    }
    synchronized (this) {
      served = told;
      state = State.SERVING;
    }
    return true;
  }

  /// Hands on the events of the process until it ends, or is found to hang.
  private void listenTo(Process started) {
    Thread.ofVirtual().name("watch of " + name()).start(() -> killIfItHangs(started));
    control.listenTo(started, event -> daemon.happened(this, event));
  }

  private void killIfItHangs(Process started) {
    try {
      Optional<Duration> silence =
          control.awaitSilence(
              started, Duration.ofSeconds(daemon.config().limits().get(Limits.TENANT_SECONDS)));
      if (silence.isPresent() && !isToEnd()) {
        daemon.tell(
            Level.WARN,
            ControlEvent.TENANT_SILENT,
            data().and("pid", started.pid()).and("seconds", silence.get().toSeconds()));
        started.destroyForcibly();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /// True if it has been told to end, for which it has its own time.
  private synchronized boolean isToEnd() {
    return ending || restarting;
  }

  /// Has the process end in good order, as it does at the end of its input.
  private static void end(Process process) {
    try {
      process.getOutputStream().close();
    } catch (IOException _) {
      // Then it has ended, or is about to.
    }
  }

  /// Asks for the end of the process, and does not wait for it.
  void beginEnd() {
    synchronized (this) {
      ending = true;
      if (process != null) {
        end(process);
      }
      notifyAll();
    }
  }

  /// Ends the process: in good order if it does so in time, at once if not.
  ///
  /// @param time that it may take
  void end(Duration time) {
    beginEnd();
    try {
      if (!thread.join(time)) {
        pid().flatMap(ProcessHandle::of).ifPresent(ProcessHandle::destroyForcibly);
        thread.join();
      }
      if (groups.isPresent()) {
        groups.get().remove(name());
      }
      control.deleteFolder();
    } catch (IOException e) {
      troubled("Something of a tenant stays: " + e.getMessage());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Override
  public void close() {
    end(TenantControl.ANSWER);
  }
}
