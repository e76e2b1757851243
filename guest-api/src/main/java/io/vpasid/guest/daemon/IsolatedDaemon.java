package io.vpasid.guest.daemon;

import io.vpasid.guest.config.DaemonConfig;
import io.vpasid.guest.config.InputException;
import io.vpasid.guest.config.TenantPart;
import io.vpasid.guest.config.TenantPart.Kind;
import io.vpasid.guest.control.ControlCommand;
import io.vpasid.guest.control.ControlEvent;
import io.vpasid.guest.control.ControlException;
import io.vpasid.guest.control.EventSource;
import io.vpasid.guest.socket.SocketKind;
import io.vpasid.guest.socket.SocketLoops;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
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
import java.util.concurrent.Semaphore;
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
public final class IsolatedDaemon extends ServingDaemon {
  /// Time that the processes have to end, within that of the whole daemon.
  private static final Duration END = Duration.ofSeconds(50);

  private static final ObjectNode NOTHING = JsonNodeFactory.instance.objectNode();

  private final byte[] text;
  private final ChildCommand command;
  private final Path folder;
  private final int user;
  private final Optional<TenantGroups> groups;
  private final Semaphore starts = new Semaphore(Runtime.getRuntime().availableProcessors());
  private long endBy;
  private final Map<String, TenantProcess> tenants = new ConcurrentSkipListMap<>();
  // Asking the processes takes time, in which commands come.
  private final SocketLoops metricsLoops = SocketLoops.open(SocketKind.best(), "metrics", 1);

  private IsolatedDaemon(
      Path file,
      byte[] text,
      DaemonConfig config,
      String version,
      DaemonLog log,
      CountDownLatch ending)
      throws IOException {
    super(config, version, log, ending);
    this.text = text;
    command = ChildCommand.ofThisProcess(file);
    Path path = config.control();
    folder = path.resolveSibling(path.getFileName() + ".tenants");
    user = (int) Files.getAttribute(Path.of("/proc/self"), "unix:uid");
    groups = groups();
    endWithThreadsOf(metricsLoops, "the thread of the metrics ended");
  }

  private Optional<TenantGroups> groups() {
    Optional<TenantGroups> found = Optional.empty();
    try {
      found = TenantGroups.open();
    } catch (IOException e) {
      log().say(Level.WARN, "Tenants have no control groups: " + e.getMessage());
    }
    boolean wanted = config().tenants().stream().anyMatch(tenant -> tenant.memory().isPresent());
    if (wanted && found.isEmpty()) {
      log()
          .say(
              Level.WARN,
              "The \"memory\" of tenants is not limited: no cgroup v2 is delegated to this process"
                  + " (systemd's Delegate=).");
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
    daemon.openOrClose();
    return daemon;
  }

  /// The functions that each process would serve.
  ///
  /// @return one line for each tenant
  /// @throws InputException if an IOMMU has functions of several tenants behind it
  public static List<String> check(byte[] text, DaemonConfig config) {
    return TenantPart.of(text, config).values().stream()
        .map(part -> "tenant " + part.name() + ": " + String.join(", ", part.functions()))
        .toList();
  }

  @Override
  void open() throws IOException {
    SocketLoops.checkFolder(control());
    IsolatedCommands commands = new IsolatedCommands(this, text);
    Files.createDirectories(folder);
    // Tenants with a user of their own pass through it to theirs, whatever the umask is.
    Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwx--x--x"));
    for (TenantPart part : commands.parts()) {
      tenants.put(part.name(), process(part));
    }
    for (TenantProcess tenant : tenants.values()) {
      awaitStart(tenant);
    }
    openPages(metricsLoops, this::state);
    openControl(commands, EventData.of("tenants", tenants.size()));
  }

  private TenantProcess process(TenantPart part) {
    return new TenantProcess(
        this, part, command, folder.resolve(part.name()), user, groups, starts);
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
          "the process of tenant '%s' does not start; its lines in the log say why, and serve --check where"
              .formatted(tenant.name()));
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
              answers.put(tenant, tenant.execute(command, arguments));
            } catch (ControlException e) {
              log().say(Level.WARN, e.desc(), EventData.of("tenant", tenant.name()));
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

  @Override
  String metricsText() {
    Metrics metrics = new Metrics();
    DaemonMetrics.ofProgram(metrics, version());
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
    DaemonMetrics.ofProcess(metrics, log(), started());
    askAll(ControlCommand.QUERY_METRICS, NOTHING)
        .forEach((tenant, answer) ->
            metrics.merge(answer.path("text").asString(""), "tenant", tenant.name()));
    return metrics.toString();
  }

  /// What is served, as [LiveState] has it of one process; any thread may ask. A process that has
  /// been taken over can tell what it likes of its own functions and IOMMUs, and of no others.
  ObjectNode state() {
    ObjectNode together =
        JsonNodeFactory.instance.objectNode().put("version", version()).put("started", started());
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

  /// Tells the control clients, and who looks at the page, what has happened in a process, which
  /// has logged it itself.
  ///
  /// @param event as the process's control socket told it
  void happened(TenantProcess tenant, ObjectNode event) {
    Arrays.stream(ControlEvent.values())
        .filter(one -> one.name().equals(event.path("event").asString("")))
        .filter(one -> one != ControlEvent.SHUTDOWN)
        .findFirst()
        .ifPresent(known -> {
          EventData data = new EventData();
          event.path("data").properties().forEach(one -> data.and(one.getKey(), one.getValue()));
          tellListeners(source(tenant, event.path("data")), known, data);
        });
  }

  /// A tenant's functions have shares of their own; whatever else it names is the tenant's.
  private static EventSource source(TenantProcess tenant, JsonNode data) {
    String function = data.path("function").asString("");
    return tenant.part().functions().contains(function)
        ? new EventSource("function", function)
        : new EventSource("tenant", tenant.name());
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
  void reloadQuietly() {
    askAll(ControlCommand.QUIRKS_RELOAD, NOTHING);
  }

  @Override
  void beginEnd(boolean served) {
    tellListeners(ControlEvent.SHUTDOWN, new EventData());
    endBy = System.nanoTime() + END.toNanos();
    tenants.values().forEach(TenantProcess::beginEnd);
  }

  @Override
  EventData end() {
    tenants
        .values()
        .forEach(tenant -> tenant.end(Duration.ofNanos(Math.max(1, endBy - System.nanoTime()))));
    try {
      Files.deleteIfExists(folder);
    } catch (IOException e) {
      log().say(Level.WARN, "The folder of tenants stays: " + e.getMessage());
    }
    metricsLoops.close();
    return new EventData();
  }
}
