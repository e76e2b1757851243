package io.vpasid.guest.daemon;

import io.vpasid.guest.config.Limits;
import io.vpasid.guest.config.TenantPart.Kind;
import io.vpasid.guest.control.ControlArguments;
import io.vpasid.guest.control.ControlCommand;
import io.vpasid.guest.control.ControlException;
import io.vpasid.guest.report.Json;
import io.vpasid.synth.Synthesis;
import io.vpasid.synth.SynthesisResult;
import io.vpasid.vmm.iommufd.simulated.Failures;
import io.vpasid.vmm.iommufd.simulated.Request;
import io.vpasid.vmm.iommufd.simulated.SimulatedHost;
import io.vpasid.vmm.linux.Errno;
import io.vpasid.vmm.linux.calls.MemoryBudget;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/// The commands of the control socket for functions that this process serves. Runs on the daemon's
/// worker.
final class DaemonCommands extends ServingCommands {
  static final long MAX_U32 = 0xffff_ffffL;

  private final Daemon daemon;
  private final LongRequests requests = new LongRequests(LongWork.BOUND);
  private final IommuCommands iommus;
  private final PasidCommands pasids;
  private final DaemonSpaceCommands spaces;

  DaemonCommands(Daemon daemon) {
    super(daemon);
    this.daemon = daemon;
    iommus = new IommuCommands(daemon);
    pasids = new PasidCommands(daemon, this::function, requests);
    spaces = new DaemonSpaceCommands(daemon, belongings, this::function);
  }

  @Override
  public Object execute(ControlCommand command, ControlArguments arguments, Client client) {
    try {
      Object result = super.execute(command, arguments, client);
      daemon.metrics().commandDone(command);
      return result;
    } catch (ControlException e) {
      daemon.metrics().commandRefused(command);
      throw e;
    }
  }

  @Override
  Object run(ControlCommand command, ControlArguments arguments, Client client) throws IOException {
    return switch (command) {
      case QMP_CAPABILITIES, QUERY_VERSION, QUERY_COMMANDS, QUERY_PAGE, QUERY_METRICS, QUIT ->
          ofDaemon(command);
      case QUERY_FUNCTIONS ->
          daemon.functions().all().stream().map(FunctionReport.Brief::of).toList();
      case QUERY_FUNCTION -> Json.tree(FunctionReport.of(function(arguments)));
      case FUNCTION_ADD -> add(arguments, client);
      case FUNCTION_DEL -> delete(function(arguments));
      case ADDRESS_SPACE_ADD -> spaces.add(arguments, client);
      case ADDRESS_SPACE_DEL -> spaces.delete(arguments);
      case ADDRESS_SPACE_LIST -> spaces.list();
      case PASID_ATTACH -> pasids.attach(function(arguments), spaces.named(arguments), arguments);
      case PASID_DETACH -> pasids.detach(function(arguments), arguments);
      case QUERY_ATTACHMENTS -> pasids.attachments(arguments);
      case QUERY_IOMMUS -> iommus.list();
      case QUERY_IOMMU -> iommus.query(arguments);
      case IOMMU_ADD -> addIommu(arguments, client);
      case IOMMU_DEL -> delete(iommus.named(arguments.text("iommu")));
      case CONFIG_READ -> read(arguments);
      case CONFIG_WRITE -> write(arguments);
      case FUNCTION_RESET -> reset(function(arguments));
      case REQUEST_FAIL -> fail(arguments);
      case QUERY_TENANTS, TENANT_RESTART ->
          throw ControlException.generic(
              "one process serves all tenants; vpasid serve --isolate has one for each");
      case QUIRKS_RELOAD -> reload();
      case QUERY_LIMITS -> limits();
      case QUERY_STATE -> Json.tree(state());
    };
  }

  /// The state of all that is served. Any thread may ask.
  LiveState state() {
    return LiveState.of(daemon, pasids);
  }

  private Reply limits() {
    Limits limits = daemon.config().limits();
    MemoryBudget process = MemoryBudget.ofProcess();
    return new Reply.Limits(
        limits.byKey(),
        new Reply.Limits.OfProcess(
            Reply.Limits.Budget.of(process.files()),
            Reply.Limits.Budget.of(process.bytes()),
            Reply.Limits.Budget.of(process.descriptors()),
            new Reply.Limits.Budget(limits.get(Limits.BARS), daemon.functions().barBytes())));
  }

  private ServedFunction function(ControlArguments arguments) {
    return function(arguments.text("function"));
  }

  private ServedFunction function(String name) {
    return daemon.functions().find(name).orElseThrow(() -> unknown(name));
  }

  private IommuReport.Brief addIommu(ControlArguments arguments, Client client) throws IOException {
    ServedIommu added = iommus.add(wantedIommu(arguments));
    belongings.add(client, Kind.IOMMU, added.name(), () -> delete(added));
    return IommuReport.Brief.of(added);
  }

  private Reply delete(ServedIommu served) {
    daemon.iommus().remove(served);
    belongings.deleted(Kind.IOMMU, served.name());
    return Reply.Done.DONE;
  }

  private ControlException unknown(String name) {
    List<String> names = daemon.functions().all().stream().map(ServedFunction::name).toList();
    return new ControlException(
        ControlException.Kind.FUNCTION_NOT_FOUND,
        "there is no function '%s'; %s"
            .formatted(
                ControlArguments.printable(name),
                advice(name, names, "there are " + shortened(names))));
  }

  /// The first eight of a list, and how many more there are.
  static String shortened(List<String> names) {
    int shown = Math.min(names.size(), 8);
    return String.join(", ", names.subList(0, shown))
        + (shown < names.size() ? " and " + (names.size() - shown) + " more" : "");
  }

  private FunctionReport.Brief add(ControlArguments arguments, Client client) throws IOException {
    ServedFunction added =
        daemon.functions().add(wantedFunction(arguments), daemon.quirks().table());
    belongings.add(client, Kind.FUNCTION, added.name(), () -> delete(added));
    return FunctionReport.Brief.of(added);
  }

  private Reply delete(ServedFunction served) {
    ServedFunctions.Removed removed = daemon.functions().remove(served);
    belongings.deleted(Kind.FUNCTION, served.name());
    removed.iommu().ifPresent(name -> belongings.deleted(Kind.IOMMU, name));
    return new Reply.Removed(
        removed.detached(),
        removed.left(),
        removed.isReleased() ? Optional.empty() : Optional.of(false),
        removed.iommu().map(List::of));
  }

  static SimulatedHost simulated(ServedFunction served) {
    return served
        .backing()
        .simulated()
        .orElseThrow(() ->
            ControlException.generic(
                "function '" + served.name() + "' is on a real host, whose kernel does not tell"));
  }

  private Reply fail(ControlArguments arguments) {
    ServedFunction served = function(arguments);
    if (!served.backing().isAlone()) {
      throw ControlException.generic(
          "function '%s' shares its host with others, whose requests would fail too; add it with 'iommu' or 'kernel'"
              .formatted(served.name()));
    }
    Optional<Request> request = arguments.optionalText("request").map(DaemonCommands::request);
    Optional<Long> number = arguments.optionalNumber("number", 1, Integer.MAX_VALUE);
    Optional<Errno> errno = arguments.optionalText("errno").map(DaemonCommands::errno);
    if (request.isPresent() && number.isPresent()) {
      throw ControlException.generic(
          "a failure is planned by 'request' or by 'number'; leave one out");
    }
    if ((request.isPresent() || number.isPresent()) != errno.isPresent()) {
      throw ControlException.generic(
          "'errno' goes with 'request' or 'number'; give both or neither");
    }
    Failures failures = simulated(served).failures();
    int waiting = failures.callsPlanned();
    if (request.isEmpty()) {
      failures.clear();
      number.ifPresent(at -> failures.failCall(at, errno.orElseThrow()));
    } else if (arguments.flag("every")) {
      failures.failEvery(request.get(), errno.orElseThrow());
    } else {
      failures.failNext(request.get(), errno.orElseThrow());
    }
    return new Reply.Waiting(waiting);
  }

  private static Request request(String title) {
    return Request.titled(title)
        .orElseThrow(() ->
            ControlException.generic(
                "there is no request '%s'; there are %s"
                    .formatted(
                        ControlArguments.printable(title), String.join(", ", Request.titles()))));
  }

  private static Errno errno(String name) {
    return Errno.named(name)
        .orElseThrow(() ->
            ControlException.generic(
                "'" + ControlArguments.printable(name) + "' is no errno such as ENOMEM"));
  }

  private Reply read(ControlArguments arguments) {
    ServedFunction served = function(arguments);
    int width = width(arguments);
    int offset = offset(served, arguments, width);
    int value =
        requests.ask(served, "config-read", () -> served.function().readConfig(offset, width));
    return new Reply.Register(
        String.format(Locale.ROOT, "0x%03x", offset),
        width,
        String.format(Locale.ROOT, "0x%0" + 2 * width + "x", value));
  }

  private Reply write(ControlArguments arguments) {
    ServedFunction served = function(arguments);
    int width = width(arguments);
    int offset = offset(served, arguments, width);
    long value = arguments.number("value", MAX_U32 >>> (8 * (4 - width)));
    return requests.ask(
        served,
        "config-write",
        () -> {
          served.function().writeConfig(offset, width, (int) value);
          return Reply.Done.DONE;
        });
  }

  private static int width(ControlArguments arguments) {
    int width = arguments.optionalNumber("width", 1, 4).orElse(4L).intValue();
    if (width == 3) {
      throw ControlException.generic("'width' must be 1, 2 or 4 bytes, not 3");
    }
    return width;
  }

  private static int offset(ServedFunction served, ControlArguments arguments, int width) {
    int size = served.function().configSize();
    return (int) arguments.number("offset", size - width);
  }

  private Reply reset(ServedFunction served) {
    return requests.ask(
        served.name(),
        "reset",
        () -> {
          served.function().reset();
          return Reply.Done.DONE;
        });
  }

  private Reply reload() {
    int count = daemon.quirks().reload();
    Map<String, Reply.Reloaded.Moved> moved = new LinkedHashMap<>();
    for (ServedFunction served : daemon.functions().all()) {
      if (served.config().quirks().isPresent()) {
        continue;
      }
      String now = where(served.function().synthesis());
      String then =
          where(
              served
                  .config()
                  .synthesize(
                      served.captured(), daemon.quirks().table(), served.function().hardware()));
      if (!now.equals(then)) {
        moved.put(served.name(), new Reply.Reloaded.Moved(now, then));
      }
    }
    return new Reply.Reloaded(count, moved);
  }

  private static String where(SynthesisResult result) {
    return switch (result) {
      case Synthesis s -> String.format(Locale.ROOT, "0x%03x", s.offset());
      case SynthesisResult.Declined _ -> "none";
    };
  }
}
