package io.vpasid.guest.daemon;

import io.vpasid.guest.config.DaemonConfig;
import io.vpasid.guest.config.InputException;
import io.vpasid.guest.config.TenantPart;
import io.vpasid.guest.config.TenantPart.Kind;
import io.vpasid.guest.control.ControlCommand;
import io.vpasid.guest.control.ControlEvent;
import io.vpasid.guest.control.ControlException;
import io.vpasid.guest.control.ControlServer;
import io.vpasid.guest.socket.SocketKind;
import io.vpasid.guest.socket.SocketLoops;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.event.Level;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/// Serves the functions of a configuration with a process for each tenant, until it is closed.
///
/// ```text
///  vpasid ctl ──▶ control socket        control socket of each ──▶ Daemon of tenant a ──▶ vfio-user sockets
///  Prometheus ──▶ metrics       IsolatedDaemon ─────────────────▶ Daemon of tenant b ──▶ vfio-user sockets
/// ```
///
/// No vfio-user client reaches this process. It keeps the control socket, the events and the
/// metrics of all, and starts a process again that has ended. A process ends with this one, however
/// it ends: at the end of its input, which this one holds open.
public final class IsolatedDaemon implements ServingDaemon {
  /// Time that the processes have to end, within that of the whole daemon.
  private static final Duration END = Duration.ofSeconds(50);

  private static final ObjectNode NOTHING = JsonNodeFactory.instance.objectNode();

  private final DaemonConfig config;
  private final byte[] text;
  private final String version;
  private final DaemonLog log;
  private final CountDownLatch ending;
  private final long started = System.currentTimeMillis();
  private final ChildCommand command;
  private final Path folder;
  private final int user;
  private final Optional<TenantGroups> groups;
  private final Semaphore starts = new Semaphore(Runtime.getRuntime().availableProcessors());
  private final Map<String, TenantProcess> tenants = new ConcurrentSkipListMap<>();
  private final ExecutorService worker =
      Executors.newSingleThreadExecutor(Thread.ofPlatform().name("worker").factory());
  private final SocketLoops controlLoops;
  private final SocketLoops metricsLoops;
  private final List<HttpServer> metricsServers = new ArrayList<>();
  private volatile @Nullable ControlServer control;
  private volatile @Nullable LivePage page;
  private boolean closed;

  private IsolatedDaemon(
      Path file,
      byte[] text,
      DaemonConfig config,
      String version,
      DaemonLog log,
      CountDownLatch ending)
      throws IOException {
    this.config = config;
    this.text = text;
    this.version = version;
    this.log = log;
    this.ending = ending;
    command = ChildCommand.ofThisProcess(file);
    Path path = config.control();
    folder = path.resolveSibling(path.getFileName() + ".tenants");
    user = (int) Files.getAttribute(Path.of("/proc/self"), "unix:uid");
    groups = groups();
    controlLoops = SocketLoops.open(SocketKind.best(), "control", 1);
    // Asking the processes takes time, in which commands come.
    metricsLoops = SocketLoops.open(SocketKind.best(), "metrics", 1);
  }

  private Optional<TenantGroups> groups() {
    Optional<TenantGroups> found = Optional.empty();
    try {
      found = TenantGroups.open();
    } catch (IOException e) {
      log.say(Level.WARN, "Tenants have no control groups: " + e.getMessage(), Map.of());
    }
    boolean wanted = config.tenants().stream().anyMatch(tenant -> tenant.memory().isPresent());
    if (wanted && found.isEmpty()) {
      log.say(
          Level.WARN,
          "The \"memory\" of tenants is not limited: no cgroup v2 is delegated to this process"
              + " (systemd's Delegate=).",
          Map.of());
    }
    return found;
  }

  /// Starts everything that a configuration names.
  ///
  /// @param file of the configuration
  /// @param text that it held when it was read as `config`
  /// @param version of the program
  /// @param log where it tells what happens; stays the caller's to close
  /// @param ending is counted down when the control command `quit` asks for the end
  /// @throws InputException if the process of a tenant does not start; nothing stays open
  /// @throws IOException with a sentence, if a socket cannot be made
  public static IsolatedDaemon start(
      Path file,
      byte[] text,
      DaemonConfig config,
      String version,
      DaemonLog log,
      CountDownLatch ending)
      throws IOException {
    IsolatedDaemon daemon = new IsolatedDaemon(file, text, config, version, log, ending);
    try {
      daemon.open();
      return daemon;
    } catch (IOException | RuntimeException e) {
      daemon.close();
      throw e;
    }
  }

  /// Which process would serve which functions.
  ///
  /// @return one line for each tenant
  /// @throws InputException if an IOMMU has functions of several tenants behind it
  public static List<String> check(byte[] text, DaemonConfig config) {
    return TenantPart.of(text, config).values().stream()
        .map(part -> "tenant " + part.name() + ": " + String.join(", ", part.functions()))
        .toList();
  }

  private void open() throws IOException {
    SocketLoops.checkFolder(config.control());
    IsolatedCommands commands = new IsolatedCommands(this, text, config);
    Files.createDirectories(folder);
    for (TenantPart part : commands.parts()) {
      tenants.put(part.name(), process(part));
    }
    for (TenantProcess tenant : tenants.values()) {
      awaitStart(tenant);
    }
    int most = config.limits().metricsConnections();
    if (config.metricsSocket().isPresent()) {
      metricsServers.add(
          HttpServer.open(
              metricsLoops,
              config.metricsSocket().get(),
              config.access().users(),
              most,
              Metrics.served(this::metrics)));
    }
    if (config.metricsPort().isPresent()) {
      metricsServers.add(
          HttpServer.open(
              metricsLoops, config.metricsPort().get(), most, Metrics.served(this::metrics)));
    }
    if (config.pagePort().isPresent()) {
      page = LivePage.open(this::state, metricsLoops, config.pagePort().get(), most);
    }
    control =
        ControlServer.open(
            controlLoops,
            config.control(),
            worker,
            commands,
            Reply.Version.of(version),
            ControlServer.Options.defaults()
                .withMaxClients(config.maxClients())
                .withUsers(config.controlAccess().users())
                .withReaders(config.controlReaders()));
    config.controlAccess().applyTo(config.control());
    log.say(
        Level.INFO,
        "The daemon serves.",
        Daemon.fields("tenants", tenants.size(), "control", config.control()));
  }

  private TenantProcess process(TenantPart part) {
    return new TenantProcess(
        part, command, folder.resolve(part.name()), user, groups, starts, new Telling());
  }

  /// @throws InputException if it does not serve
  private static void awaitStart(TenantProcess tenant) {
    boolean serves = false;
    try {
      serves = tenant.hasStarted();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    if (!serves) {
      throw new InputException(
          "the process of tenant '"
              + tenant.name()
              + "' does not start; its lines in the log say why, and serve --check where");
    }
  }

  /// Starts the process of a tenant more.
  ///
  /// @throws InputException if it does not start; nothing has changed then
  TenantProcess add(TenantPart part) {
    TenantProcess added = process(part);
    tenants.put(part.name(), added);
    try {
      awaitStart(added);
      return added;
    } catch (InputException e) {
      remove(added);
      throw e;
    }
  }

  /// Ends the process of a tenant for good.
  void remove(TenantProcess tenant) {
    tenants.remove(tenant.name());
    tenant.close();
  }

  Collection<TenantProcess> tenants() {
    return tenants.values();
  }

  Optional<TenantProcess> tenant(String name) {
    return Optional.ofNullable(tenants.get(name));
  }

  DaemonLog log() {
    return log;
  }

  String version() {
    return version;
  }

  /// Has all processes that serve do a command, at the same time.
  ///
  /// @return their answers by tenant, without those that refused or did not answer
  Map<TenantProcess, JsonNode> askAll(ControlCommand command, ObjectNode arguments) {
    Map<TenantProcess, JsonNode> answers = new ConcurrentHashMap<>();
    try (ExecutorService each = Executors.newVirtualThreadPerTaskExecutor()) {
      for (TenantProcess tenant : tenants.values()) {
        if (tenant.state() == TenantProcess.State.SERVING) {
          each.execute(() -> {
            try {
              answers.put(tenant, tenant.execute(command.title(), arguments));
            } catch (ControlException e) {
              log.say(Level.WARN, e.desc(), Daemon.fields("tenant", tenant.name()));
            }
          });
        }
      }
    }
    Map<TenantProcess, JsonNode> inOrder = new LinkedHashMap<>();
    for (TenantProcess tenant : tenants.values()) {
      Optional.ofNullable(answers.get(tenant)).ifPresent(answer -> inOrder.put(tenant, answer));
    }
    return inOrder;
  }

  /// All metrics, as Prometheus reads them.
  String metrics() {
    Metrics metrics = new Metrics();
    DaemonMetrics.ofProgram(metrics, version);
    for (TenantProcess tenant : tenants.values()) {
      metrics.gauge(
          "vpasid_tenant_serves",
          "1 while the process of the tenant serves.",
          tenant.state() == TenantProcess.State.SERVING ? 1 : 0,
          "tenant",
          tenant.name());
      metrics.counter(
          "vpasid_tenant_starts_total",
          "Starts of the tenant's process.",
          tenant.timesStarted(),
          "tenant",
          tenant.name());
    }
    DaemonMetrics.ofProcess(metrics, log, started);
    askAll(ControlCommand.QUERY_METRICS, NOTHING)
        .forEach((tenant, answer) ->
            metrics.merge(answer.path("text").asString(""), "tenant", tenant.name()));
    return metrics.toString();
  }

  /// What is served, as [LiveState] has it of one process; any thread may ask. A process that has
  /// been taken over can tell what it likes of its own functions and IOMMUs, and of no others.
  ObjectNode state() {
    ObjectNode together =
        JsonNodeFactory.instance.objectNode().put("version", version).put("started", started);
    together.putPOJO("tenants", tenants.values().stream().map(Reply.Tenant::of).toList());
    ArrayNode functions = together.putArray("functions");
    ObjectNode attached = together.putObject("attachments");
    ArrayNode attachments = attached.putArray("attachments");
    Map<Integer, JsonNode> spaces = new TreeMap<>();
    ArrayNode iommus = together.putArray("iommus");
    boolean more = false;
    for (var told : askAll(ControlCommand.QUERY_STATE, NOTHING).entrySet()) {
      TenantPart part = told.getKey().part();
      JsonNode answer = told.getValue();
      functions.addAll(own(answer, "functions", "/function/name", part.keys(Kind.FUNCTION)));
      iommus.addAll(own(answer, "iommus", "/iommu/iommu", part.keys(Kind.IOMMU)));
      for (JsonNode space :
          own(answer, "addressSpaces", "/handle", part.keys(Kind.ADDRESS_SPACE))) {
        spaces.putIfAbsent(space.path("handle").asInt(0), space);
      }
      JsonNode its = answer.path("attachments");
      List<JsonNode> all = own(its, "attachments", "/function", part.keys(Kind.FUNCTION));
      List<JsonNode> shown =
          all.subList(0, Math.min(all.size(), LiveState.MOST_ATTACHMENTS - attachments.size()));
      attachments.addAll(shown);
      more |= its.path("more").asBoolean(false) || shown.size() < all.size();
    }
    attached.put("more", more);
    together.putArray("addressSpaces").addAll(spaces.values());
    return together;
  }

  /// Of a list that a process told, what is of its own.
  private static List<JsonNode> own(
      JsonNode answer, String list, String name, Collection<String> names) {
    return answer
        .path(list)
        .valueStream()
        .filter(one -> names.contains(one.at(name).asString("")))
        .toList();
  }

  /// Tells the control clients, who looks at the page, and the log, what happens to processes; what
  /// happens in them they have logged themselves.
  private final class Telling implements TenantProcess.Listener {
    @Override
    public void started(TenantProcess tenant, long pid) {
      tell(
          Level.INFO,
          ControlEvent.TENANT_STARTED,
          Daemon.fields("tenant", tenant.name(), "pid", pid));
    }

    @Override
    public void ended(TenantProcess tenant, int exitCode, Optional<Duration> startsIn) {
      Map<String, Object> data = Daemon.fields("tenant", tenant.name(), "exit", exitCode);
      startsIn.ifPresent(time -> data.put("startsIn", time.toMillis()));
      tell(startsIn.isPresent() ? Level.WARN : Level.ERROR, ControlEvent.TENANT_ENDED, data);
    }

    private void tell(Level level, ControlEvent event, Map<String, Object> data) {
      log.say(level, event.description(), data);
      toWhoListens(event, data);
    }

    private void toWhoListens(ControlEvent event, Map<String, Object> data) {
      ControlServer server = control;
      if (server != null) {
        server.tell(event, data);
      }
      LivePage live = page;
      if (live != null) {
        live.tell(event, data);
      }
    }

    @Override
    public void happened(TenantProcess tenant, ObjectNode event) {
      Optional<ControlEvent> known =
          Arrays.stream(ControlEvent.values())
              .filter(one -> one.name().equals(event.path("event").asString("")))
              .filter(one -> one != ControlEvent.SHUTDOWN)
              .findFirst();
      if (known.isPresent()) {
        Map<String, Object> data = new LinkedHashMap<>();
        event.path("data").properties().forEach(one -> data.put(one.getKey(), one.getValue()));
        toWhoListens(known.get(), data);
      }
    }

    @Override
    public void troubled(TenantProcess tenant, String sentence) {
      log.say(Level.WARN, sentence, Daemon.fields("tenant", tenant.name()));
    }
  }

  @Override
  public Path control() {
    return config.control();
  }

  @Override
  public Optional<Path> metricsSocket() {
    return config.metricsSocket();
  }

  @Override
  public Optional<Integer> metricsPort() {
    return HttpServer.portOf(metricsServers);
  }

  @Override
  public Optional<String> page() {
    return Optional.ofNullable(page).map(LivePage::address);
  }

  @Override
  public List<String> summary() {
    return told("summary").stream().map(line -> line.asString("")).toList();
  }

  @Override
  public List<?> summaryJson() {
    return told("functions");
  }

  private List<JsonNode> told(String list) {
    return tenants.values().stream()
        .flatMap(tenant -> tenant.served().path(list).valueStream())
        .toList();
  }

  @Override
  public void requestReload() {
    try {
      worker.execute(() -> askAll(ControlCommand.QUIRKS_RELOAD, NOTHING));
    } catch (RejectedExecutionException e) {
      log.say(Level.INFO, "Nothing is reloaded: the daemon is ending.", Map.of());
    }
  }

  /// Asks for the end, as a signal does.
  void requestEnd() {
    ending.countDown();
  }

  @Override
  public void close() {
    if (closed) {
      return;
    }
    closed = true;
    if (control != null) {
      control.tell(ControlEvent.SHUTDOWN, Map.of());
    }
    long until = System.nanoTime() + END.toNanos();
    tenants.values().forEach(TenantProcess::beginEnd);
    worker.shutdown();
    try {
      var _ = worker.awaitTermination(Daemon.CLOSE_SECONDS, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    if (control != null) {
      control.close();
    }
    metricsServers.forEach(HttpServer::close);
    if (page != null) {
      page.close();
    }
    tenants
        .values()
        .forEach(tenant -> tenant.end(Duration.ofNanos(Math.max(1, until - System.nanoTime()))));
    try {
      Files.deleteIfExists(folder);
    } catch (IOException e) {
      log.say(Level.WARN, "The folder of tenants stays: " + e.getMessage(), Map.of());
    }
    controlLoops.close();
    metricsLoops.close();
    log.say(Level.INFO, "The daemon has ended.", Map.of());
  }
}
