package io.vpasid.guest.daemon;

import io.vpasid.guest.config.DaemonConfig;
import io.vpasid.guest.config.InputException;
import io.vpasid.guest.config.Limits;
import io.vpasid.guest.control.ControlEvent;
import io.vpasid.guest.control.ControlServer;
import io.vpasid.guest.control.ControlTarget;
import io.vpasid.guest.control.EventSource;
import io.vpasid.guest.socket.SocketKind;
import io.vpasid.guest.socket.SocketLoops;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.event.Level;

/// What `serve CONFIG.json` runs: one process for everything, or one for each tenant. Either has a
/// control socket, whose commands are done on one thread, the worker; metrics, if the configuration
/// asks for them; a log, and an end.
public abstract sealed class ServingDaemon implements AutoCloseable permits Daemon, IsolatedDaemon {
  /// Seconds that closing waits for a command that is under way.
  private static final long CLOSE_SECONDS = 10;

  private final DaemonConfig config;
  private final String version;
  private final DaemonLog log;
  private final CountDownLatch ending;
  private final long started = System.currentTimeMillis();
  private final ExecutorService worker =
      Executors.newSingleThreadExecutor(Thread.ofPlatform().name("worker").factory());
  private final SocketLoops controlLoops = SocketLoops.open(SocketKind.best(), "control", 1);
  private final List<HttpServer> metricsServers = new ArrayList<>();
  private volatile @Nullable ControlServer control;
  private volatile @Nullable LivePage page;
  private boolean closed;

  ServingDaemon(DaemonConfig config, String version, DaemonLog log, CountDownLatch ending) {
    this.config = config;
    this.version = version;
    this.log = log;
    this.ending = ending;
    endWithThreadsOf(controlLoops, "the thread of the control socket ended");
  }

  /// Ends the process if a thread ends that it cannot do without.
  static void endWithThreadsOf(SocketLoops loops, String reason) {
    loops.onLoss(() -> LastWords.end(reason, LastWords.BROKEN));
  }

  /// Serves what the configuration names.
  ///
  /// @throws InputException if something of it is unavailable
  /// @throws IOException with a sentence, if a socket cannot be made
  abstract void open() throws IOException;

  /// Opens it, and closes it if that fails.
  final void openOrClose() throws IOException {
    try {
      open();
    } catch (IOException | RuntimeException e) {
      close();
      throw e;
    }
  }

  /// Opens what is there to be looked at, as the configuration asks: the metrics and the page.
  ///
  /// @param loops that answer; they wait for [#metricsText]
  /// @param state for the page, with the keys of [LiveState]
  final void openPages(SocketLoops loops, Supplier<?> state) throws IOException {
    int most = config.limits().get(Limits.METRICS_CONNECTIONS);
    HttpServer.Handler answers = Metrics.served(this::metricsText);
    if (config.metricsSocket().isPresent()) {
      metricsServers.add(
          HttpServer.open(loops, config.metricsSocket().get(), config.access(), most, answers));
    }
    if (config.metricsPort().isPresent()) {
      metricsServers.add(HttpServer.open(loops, config.metricsPort().get(), most, answers));
    }
    if (config.pagePort().isPresent()) {
      page = new LivePage(state, loops, config.pagePort().get(), most);
    }
  }

  /// Opens the control socket, when everything else is served.
  ///
  /// @param target does the commands
  /// @param served what the log says of all that is served
  final void openControl(ControlTarget target, EventData served) throws IOException {
    control =
        ControlServer.open(
            controlLoops,
            config.control(),
            worker,
            target,
            Reply.Version.of(version),
            ControlServer.Options.defaults()
                .withMaxClients(config.maxClients())
                .withUsers(config.controlAccess().users())
                .withGroups(config.controlAccess().groups())
                .withReaders(config.controlReaders()));
    config.controlAccess().applyTo(config.control());
    log.say(Level.INFO, "The daemon serves.", served.and("control", config.control()));
  }

  final DaemonConfig config() {
    return config;
  }

  final DaemonLog log() {
    return log;
  }

  final String version() {
    return version;
  }

  /// When it was started, in milliseconds since 1970.
  final long started() {
    return started;
  }

  /// The thread that does the commands.
  final ExecutorService worker() {
    return worker;
  }

  /// The thread of the control socket.
  final SocketLoops controlLoops() {
    return controlLoops;
  }

  final int controlClients() {
    ControlServer server = control;
    return server == null ? 0 : server.clients();
  }

  /// Tells the clients of the control socket, who looks at the page, and the log.
  final void tell(Level level, ControlEvent event, EventData data) {
    log.say(level, event.description(), data);
    tellListeners(event, data);
  }

  /// Tells the clients of the control socket, and who looks at the page.
  final void tellListeners(ControlEvent event, EventData data) {
    tellListeners(EventSource.of(data.values()), event, data);
  }

  /// Tells them out of the share of a source.
  final void tellListeners(EventSource source, ControlEvent event, EventData data) {
    ControlServer server = control;
    if (server != null) {
      server.tell(source, event, data.values());
    }
    LivePage live = page;
    if (live != null) {
      live.tell(event, data);
    }
  }

  /// All metrics, as Prometheus reads them.
  abstract String metricsText();

  /// The path of the control socket.
  public final Path control() {
    return config.control();
  }

  /// The socket of the metrics; empty if there is none.
  public final Optional<Path> metricsSocket() {
    return config.metricsSocket();
  }

  /// The port of the metrics; empty if there is none.
  public final Optional<Integer> metricsPort() {
    return metricsServers.stream().map(HttpServer::port).filter(port -> port > 0).findFirst();
  }

  /// The address of the page, with the token that lets its reader in; empty if there is none.
  public final Optional<String> page() {
    return Optional.ofNullable(page).map(LivePage::address);
  }

  /// One line for each function that is served, for people.
  public abstract List<String> summary();

  /// The functions that are served, for machines: a list with what `query-functions` returns.
  public abstract List<?> summaryJson();

  /// Has the quirk files read again. For signal handlers: it waits for nothing, and what goes wrong
  /// is logged.
  public final void requestReload() {
    try {
      worker.execute(this::reloadQuietly);
    } catch (RejectedExecutionException e) {
      log.say(Level.INFO, "Nothing is reloaded: the daemon is ending.");
    }
  }

  /// Reads the quirk files again; what goes wrong is logged. Runs on the worker.
  abstract void reloadQuietly();

  /// Asks for the end, as a signal does.
  final void requestEnd() {
    ending.countDown();
  }

  /// Ends: takes no new clients, lets the command under way finish, disconnects, detaches every
  /// PASID and removes the sockets. A second call does nothing.
  @Override
  public final void close() {
    if (closed) {
      return;
    }
    closed = true;
    ControlServer server = control;
    beginEnd(server != null);
    finishCommands();
    if (server != null) {
      server.close();
    }
    metricsServers.forEach(HttpServer::close);
    if (page != null) {
      page.close();
    }
    EventData left = end();
    controlLoops.close();
    if (server != null) {
      log.say(Level.INFO, "The daemon has ended.", left);
    }
  }

  /// Tells that the end comes, while commands may be under way.
  ///
  /// @param served whether the control socket was open; if not, the start has failed
  abstract void beginEnd(boolean served);

  /// Ends what is served, when no command can come any more.
  ///
  /// @return what the log says of it
  abstract EventData end();

  /// Lets the worker finish what it has, and a command's reply reach its client before that is
  /// disconnected.
  private void finishCommands() {
    try {
      worker.submit(() -> {}).get(CLOSE_SECONDS, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (ExecutionException | TimeoutException e) {
      log.say(Level.WARN, "A command is still busy and is left behind.");
    }
    worker.shutdown();
  }
}
