package io.vpasid.guest.daemon;

import io.vpasid.guest.config.AddressSpaceConfig;
import io.vpasid.guest.config.DaemonConfig;
import io.vpasid.guest.config.DaemonConfigShape;
import io.vpasid.guest.config.FunctionConfig;
import io.vpasid.guest.config.FunctionDescription;
import io.vpasid.guest.config.InputException;
import io.vpasid.guest.config.IommuConfig;
import io.vpasid.guest.control.ControlEvent;
import io.vpasid.guest.control.ControlServer;
import io.vpasid.guest.host.Backing;
import io.vpasid.guest.host.BarPages;
import io.vpasid.guest.host.EmulatedBacking;
import io.vpasid.guest.host.VfioBacking;
import io.vpasid.guest.socket.SocketKind;
import io.vpasid.guest.socket.SocketLoops;
import io.vpasid.guest.vfiouser.VfioUserSockets;
import io.vpasid.pci.PciAddress;
import io.vpasid.pci.dump.HostFunction;
import io.vpasid.pci.vfio.VfioView;
import io.vpasid.synth.HardwareInfo;
import io.vpasid.synth.SynthesisRequest;
import io.vpasid.synth.SynthesisResult;
import io.vpasid.synth.Synthesizer;
import io.vpasid.synth.json.JsonFileException;
import io.vpasid.synth.quirk.QuirkTable;
import io.vpasid.vmm.FunctionOptions;
import io.vpasid.vmm.PassthroughFunction;
import io.vpasid.vmm.frontend.mailbox.RequestMailbox;
import io.vpasid.vmm.frontend.mailbox.RequestWorkers;
import io.vpasid.vmm.iommufd.BackendOptions;
import io.vpasid.vmm.iommufd.IommufdBackend;
import io.vpasid.vmm.iommufd.IommufdException;
import io.vpasid.vmm.iommufd.kernel.KernelProvider;
import io.vpasid.vmm.iommufd.simulated.SimulatedHost;
import io.vpasid.vmm.iommufd.simulated.SimulatedIommufd;
import io.vpasid.vmm.linux.calls.EventSignal;
import io.vpasid.vmm.pasid.AddressSpace;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.event.Level;

/// Serves the functions of a configuration until it is closed.
///
/// The functions are emulated ones on a simulated host, and those of this machine that are passed
/// through; both have the vPASID in their guest view. What changes what is served, commands and
/// reloads, is done on one thread, the worker.
public final class Daemon implements ServingDaemon {
  /// Seconds that closing waits for a command that is under way.
  static final long CLOSE_SECONDS = 10;

  private static final int MAX_THREADS = 4;

  /// The exit code of a process that is broken: EX_SOFTWARE.
  private static final int BROKEN = 70;

  private final DaemonConfig config;
  private final String version;
  private final DaemonLog log;
  private final long started = System.currentTimeMillis();
  private final ExecutorService worker =
      Executors.newSingleThreadExecutor(Thread.ofPlatform().name("worker").factory());
  private final SimulatedHost host = SimulatedHost.builder().build();
  private final SimulatedIommufd simulated = host.open();
  private final SharedSpaces spaces = new SharedSpaces();
  private final DaemonEvents events;
  private final Map<String, ServedFunction> functions = new ConcurrentSkipListMap<>();
  private final Map<String, FunctionServer> servers = new ConcurrentSkipListMap<>();
  private final RequestWorkers requests = RequestWorkers.open();
  private final BarPages barPages;
  private final VfioUserSockets sockets;
  private final SocketLoops controlLoops;
  private final CountDownLatch ending;
  private final DaemonMetrics metrics = new DaemonMetrics(this);
  private volatile QuirkTable quirks;
  private @Nullable IommufdBackend kernel;
  private @Nullable ControlServer control;
  private final List<HttpServer> metricsServers = new ArrayList<>();
  private final Map<String, ServedIommu> iommus = new ConcurrentSkipListMap<>();
  private boolean serves;
  private @Nullable LivePage page;
  private boolean closed;

  private Daemon(DaemonConfig config, String version, DaemonLog log, CountDownLatch ending) {
    this.ending = ending;
    this.config = config;
    barPages = BarPages.ofBytes(config.limits().bars(), config.limits().functionBars());
    this.version = version;
    this.log = log;
    events = new DaemonEvents(log, spaces);
    quirks = readQuirks(config);
    SocketKind kind = SocketKind.best();
    int threads = Math.min(MAX_THREADS, Runtime.getRuntime().availableProcessors());
    sockets = VfioUserSockets.open("vfio-user", threads);
    controlLoops = SocketLoops.open(kind, "control", 1);
    sockets.onLoss(Daemon::lostThread);
    controlLoops.onLoss(() -> LastWords.end("the thread of the control socket ended", BROKEN));
  }

  private static void lostThread() {
    LastWords.end("a thread that serves functions ended", BROKEN);
  }

  /// Starts everything that the configuration names.
  ///
  /// @param version of the program
  /// @param log where it tells what happens; stays the caller's to close
  /// @param ending is counted down when the control command `quit` asks for the end
  /// @throws InputException if something of the configuration is unavailable; nothing stays open
  /// @throws JsonFileException if a quirk file is bad
  /// @throws IOException with a sentence, if a socket cannot be made
  public static Daemon start(
      DaemonConfig config, String version, DaemonLog log, CountDownLatch ending)
      throws IOException {
    Daemon daemon = new Daemon(config, version, log, ending);
    try {
      daemon.open();
      return daemon;
    } catch (IOException | RuntimeException e) {
      daemon.close();
      throw e;
    }
  }

  /// The synthesis for a function with certain quirks.
  static SynthesisResult synthesize(
      FunctionConfig function, HostFunction captured, QuirkTable quirks, HardwareInfo hardware) {
    return Synthesizer.synthesize(
        new SynthesisRequest(
            VfioView.of(captured.config(), captured.id()),
            function.kindOf(captured),
            hardware,
            function.table(quirks),
            function.policy(),
            List.of(),
            function.further()));
  }

  private void open() throws IOException {
    if (sockets.carriesDescriptors() && EventSignal.current().isEmpty()) {
      log.say(
          Level.WARN,
          "This process may not use asynchronous I/O (io_setup), so interrupts are signalled by"
              + " writes: a client that lets its eventfd block keeps the others of its thread"
              + " waiting. Permit @aio in the filter of system calls, or raise fs.aio-max-nr.",
          Map.of());
    }
    for (FunctionConfig function : config.functions()) {
      var _ = add(function);
    }
    for (AddressSpaceConfig space : config.addressSpaces()) {
      var _ = spaces.add(space, functions.values());
    }
    for (IommuConfig iommu : config.iommus()) {
      var _ = add(iommu);
    }
    DaemonCommands commands = new DaemonCommands(this);
    int most = config.limits().metricsConnections();
    if (config.metricsSocket().isPresent()) {
      metricsServers.add(
          HttpServer.open(
              controlLoops,
              config.metricsSocket().get(),
              config.access().users(),
              most,
              Metrics.served(metrics::text)));
    }
    if (config.metricsPort().isPresent()) {
      metricsServers.add(
          HttpServer.open(
              controlLoops, config.metricsPort().get(), most, Metrics.served(metrics::text)));
    }
    if (config.pagePort().isPresent()) {
      page = LivePage.open(commands::state, controlLoops, config.pagePort().get(), most);
      events.sendThrough(page);
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
    events.sendThrough(control);
    serves = true;
    log.say(
        Level.INFO,
        "The daemon serves.",
        fields("functions", functions.size(), "control", config.control()));
  }

  /// The functions that are served, by name.
  Collection<ServedFunction> functions() {
    return functions.values();
  }

  /// The function of a name.
  Optional<ServedFunction> function(String name) {
    return Optional.ofNullable(functions.get(name));
  }

  SharedSpaces spaces() {
    return spaces;
  }

  QuirkTable quirks() {
    return quirks;
  }

  DaemonConfig config() {
    return config;
  }

  DaemonMetrics metrics() {
    return metrics;
  }

  DaemonLog log() {
    return log;
  }

  String version() {
    return version;
  }

  long started() {
    return started;
  }

  /// Bytes that guests have written to the BARs of emulated functions.
  long barBytes() {
    return barPages.bytesInUse();
  }

  int controlClients() {
    ControlServer server = control;
    return server == null ? 0 : server.clients();
  }

  @Override
  public List<String> summary() {
    return functions.values().stream()
        .map(served ->
            FunctionReport.summary(
                served.config(), served.captured(), served.function().synthesis()))
        .toList();
  }

  @Override
  public List<? extends Record> summaryJson() {
    return functions.values().stream().map(FunctionReport.Brief::of).toList();
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

  /// Serves a function more.
  ///
  /// @throws InputException if it is unavailable; nothing has changed then
  /// @throws IOException with a sentence, if its socket cannot be made
  ServedFunction add(FunctionConfig wanted) throws IOException {
    if (functions.containsKey(wanted.name())) {
      throw new InputException("there is a function '" + wanted.name() + "' already");
    }
    if (functions.size() >= DaemonConfigShape.MAX_FUNCTIONS) {
      throw new InputException(
          "there are " + functions.size() + " functions, and no room for more; delete one");
    }
    FunctionDescription described = wanted.read();
    if (wanted.ownHost().isPresent()) {
      return serve(wanted, backing(wanted, described.movedTo(freeAddress(described.address()))));
    }
    for (ServedFunction other : functions.values()) {
      if (other.address().equals(described.address())) {
        throw wanted.servedAlready(described.address(), other.name());
      }
    }
    return serve(wanted, backing(wanted, described));
  }

  /// An address in the first domain, from that of `wanted` on, where no function has it.
  private PciAddress freeAddress(PciAddress wanted) {
    PciAddress free = wanted;
    while (isTaken(free)) {
      free =
          new PciAddress(
              (free.domain() + 1) & Integer.MAX_VALUE, free.bus(), free.device(), free.function());
    }
    return free;
  }

  private boolean isTaken(PciAddress address) {
    return functions.values().stream().anyMatch(served -> served.address().equals(address));
  }

  private Backing backing(FunctionConfig wanted, FunctionDescription described) {
    try {
      FunctionOptions options = wanted.options(described.captured(), quirks);
      if (wanted.passthrough()) {
        return VfioBacking.open(kernel(), described.captured(), options);
      }
      HardwareInfo reported = wanted.hardware();
      return wanted.ownHost().isPresent()
          ? EmulatedBacking.alone(
              wanted.ownHost().get().build(), described, reported, options, barPages)
          : EmulatedBacking.open(host, simulated, described, reported, options, barPages);
    } catch (IommufdException e) {
      throw new InputException("function '" + wanted.name() + "': " + e.getMessage(), e);
    }
  }

  /// The context of the kernel, opened when the first function needs it.
  private IommufdBackend kernel() {
    IommufdBackend open = kernel;
    if (open == null) {
      KernelProvider provider = new KernelProvider();
      Optional<String> obstacle = provider.obstacle();
      if (obstacle.isPresent()) {
        throw new InputException("no function can be passed through: " + obstacle.get());
      }
      open = provider.open(BackendOptions.DEFAULTS);
      kernel = open;
    }
    return open;
  }

  private ServedFunction serve(FunctionConfig wanted, Backing backing) throws IOException {
    PassthroughFunction function = backing.function();
    ServedFunction served =
        new ServedFunction(
            wanted,
            backing,
            wanted.mailbox()
                ? RequestMailbox.serve(function, spaces.table(), requests)
                : Optional.empty());
    try {
      // Everything is ready before the first client can come.
      spaces.functionAdded(served);
      events.listenTo(served);
      servers.put(
          wanted.name(),
          FunctionServer.open(
              wanted, backing, config.limits().ofServer(), sockets, Daemon::lostThread));
    } catch (IommufdException e) {
      abandon(served);
      throw new InputException("function '" + wanted.name() + "': " + e.getMessage(), e);
    } catch (IOException | RuntimeException e) {
      abandon(served);
      throw e;
    }
    functions.put(wanted.name(), served);
    events.tell(
        ControlEvent.FUNCTION_ADDED, fields("function", wanted.name(), "socket", wanted.socket()));
    if (wanted.mailbox() && served.mailbox().isEmpty()) {
      log.say(
          Level.WARN,
          "There is no place for the request mailbox, and the guest will not find one.",
          fields("function", wanted.name()));
    }
    return served;
  }

  /// The virtual IOMMUs, by name.
  Map<String, ServedIommu> iommus() {
    return iommus;
  }

  /// Serves a virtual IOMMU more, for functions that are served.
  ///
  /// @throws InputException if it cannot be made; nothing has changed then
  /// @throws IOException with a sentence, if its socket cannot be made
  ServedIommu add(IommuConfig wanted) throws IOException {
    if (iommus.containsKey(wanted.name())) {
      throw new InputException("there is an IOMMU '" + wanted.name() + "' already");
    }
    if (iommus.size() >= DaemonConfigShape.MAX_IOMMUS) {
      throw new InputException(
          "there are " + iommus.size() + " IOMMUs, and no room for more; delete one");
    }
    for (String name : wanted.covers().keySet()) {
      ServedFunction served = functions.get(name);
      for (ServedIommu other : iommus.values()) {
        if (served != null && other.covers(served.function())) {
          throw new InputException(
              "function '" + name + "' is behind IOMMU '" + other.config().name() + "' already");
        }
      }
    }
    ServedIommu added =
        ServedIommu.open(
            wanted,
            functions,
            sockets,
            config.limits().ofServer().withUsers(config.access().users()),
            events::tell);
    try {
      config.access().applyTo(wanted.socket());
    } catch (IOException e) {
      added.close();
      throw e;
    }
    iommus.put(wanted.name(), added);
    return added;
  }

  /// Stops serving a virtual IOMMU: the functions behind it are blocked.
  void remove(ServedIommu served) {
    String name = served.config().name();
    iommus.remove(name);
    if (!LongWork.begin("end of " + name, served::close).endsIn(LongWork.BOUND)) {
      log.say(
          Level.WARN,
          "The IOMMU is busy for a long time; it is released when it is done.",
          fields("iommu", name));
    }
    events.tell(ControlEvent.IOMMU_DELETED, fields("iommu", name));
  }

  private void abandon(ServedFunction served) {
    served.function().close();
    spaces.functionRemoved(served);
    served.backing().release();
  }

  /// The outcome of the end of a function.
  ///
  /// @param detached how many PASIDs were attached
  /// @param left how many the simulated host still had attached after that; empty if its host is a
  ///   real one, which cannot be asked
  /// @param isReleased whether the host has it back; if not, its kernel or its hardware takes
  ///   longer than [LongWork#BOUND], and it will be when they are done
  record Removed(int detached, Optional<Integer> left, boolean isReleased) {}

  /// Stops serving a function, and with one that has a host for itself the IOMMU that covers it,
  /// which cannot be without that host.
  Removed remove(ServedFunction served) {
    functions.remove(served.name());
    if (served.backing().isAlone()) {
      iommus.values().stream()
          .filter(iommu -> iommu.covers(served.function()))
          .toList()
          .forEach(this::remove);
    }
    int attached = served.function().attachments().count();
    LongWork closing = LongWork.begin("end of " + served.name(), () -> giveBack(served));
    boolean isClosed = closing.endsIn(LongWork.BOUND);
    Optional<Integer> left = Optional.empty();
    if (isClosed) {
      left = served.backing().simulated().map(host -> host.attachedPasidCount(served.address()));
      spaces.functionRemoved(served);
      served.backing().release();
    } else {
      log.say(
          Level.WARN,
          "The function is busy for a long time; it is released when it is done.",
          fields("function", served.name()));
      closing.then(() ->
          worker.execute(() -> {
            spaces.functionRemoved(served);
            served.backing().release();
          }));
    }
    events.tell(ControlEvent.FUNCTION_DELETED, fields("function", served.name()));
    return new Removed(attached, left, isClosed);
  }

  /// Disconnects the client of a function and gives the function back.
  private void giveBack(ServedFunction served) {
    Optional.ofNullable(servers.remove(served.name())).ifPresent(FunctionServer::close);
    iommus.values().forEach(iommu -> iommu.uncover(served.function()));
    served.function().close();
  }

  static QuirkTable readQuirks(DaemonConfig config) {
    QuirkTable table = QuirkTable.installed();
    for (Path path : config.quirks()) {
      if (Files.exists(path) && !Files.isRegularFile(path) && !Files.isDirectory(path)) {
        // Whoever reads a pipe waits for somebody who writes it.
        throw config.wrongQuirks("quirks " + path + " is no file, but a pipe or a device");
      }
      try {
        table = table.with(path, QuirkTable.COMMAND_LINE);
      } catch (JsonFileException e) {
        // One that is not there is named where the configuration names it.
        throw e.line() > 0 ? e : config.wrongQuirks(String.valueOf(e.getMessage()));
      }
    }
    return table;
  }

  /// Reads the quirk files again, for functions that are added from now on.
  ///
  /// @return how many quirks there are now
  /// @throws JsonFileException if one is bad; the table stays as it was
  int reloadQuirks() {
    try {
      quirks = readQuirks(config);
    } catch (RuntimeException e) {
      metrics.quirksReloaded(false);
      log.say(
          Level.WARN,
          "The quirk files are bad and the table stays as it was: " + e.getMessage(),
          Map.of());
      throw e;
    }
    metrics.quirksReloaded(true);
    int count = quirks.entries().size();
    events.tell(ControlEvent.QUIRKS_RELOADED, fields("quirks", count));
    return count;
  }

  @Override
  public void requestReload() {
    try {
      worker.execute(() -> {
        try {
          var _ = reloadQuirks();
        } catch (JsonFileException e) {
          // It is logged already.
          log.say(Level.DEBUG, String.valueOf(e.getMessage()), Map.of());
        }
      });
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
      events.tell(ControlEvent.SHUTDOWN, fields());
    }
    finishCommands();
    if (control != null) {
      control.close();
    }
    metricsServers.forEach(HttpServer::close);
    if (page != null) {
      page.close();
    }
    iommus.values().forEach(ServedIommu::close);
    iommus.clear();
    disconnectAll();
    int detached = 0;
    for (ServedFunction served : List.copyOf(functions.values())) {
      detached += remove(served).detached();
    }
    for (AddressSpace space : spaces.table().all()) {
      spaces.remove(space.handle(), List.of());
    }
    requests.close();
    sockets.close();
    controlLoops.close();
    simulated.close();
    if (kernel != null) {
      kernel.close();
    }
    if (serves) {
      log.say(Level.INFO, "The daemon has ended.", fields("detached", detached));
    }
  }

  /// Disconnects the clients of all functions at the same time, because each may lead to a reset.
  private void disconnectAll() {
    try (ExecutorService each = Executors.newVirtualThreadPerTaskExecutor()) {
      servers.values().forEach(server -> each.execute(server::close));
    }
  }

  /// Lets the worker finish what it has, and a command's reply reach its client before that is
  /// disconnected.
  private void finishCommands() {
    try {
      worker.submit(() -> {}).get(CLOSE_SECONDS, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (ExecutionException | java.util.concurrent.TimeoutException e) {
      log.say(Level.WARN, "A command is still busy and is left behind.", Map.of());
    }
    worker.shutdown();
  }

  static Map<String, Object> fields(Object... keysAndValues) {
    Map<String, Object> fields = new LinkedHashMap<>();
    for (int i = 0; i < keysAndValues.length; i += 2) {
      Object value = keysAndValues[i + 1];
      fields.put((String) keysAndValues[i], value instanceof Path path ? path.toString() : value);
    }
    return fields;
  }
}
