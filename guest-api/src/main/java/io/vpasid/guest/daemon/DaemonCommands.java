package io.vpasid.guest.daemon;

import io.vpasid.guest.config.AddressSpaceConfig;
import io.vpasid.guest.config.DaemonConfigReader;
import io.vpasid.guest.config.FunctionConfig;
import io.vpasid.guest.config.InputException;
import io.vpasid.guest.config.Limits;
import io.vpasid.guest.control.ControlArguments;
import io.vpasid.guest.control.ControlCommand;
import io.vpasid.guest.control.ControlException;
import io.vpasid.guest.control.ControlTarget;
import io.vpasid.guest.report.Json;
import io.vpasid.synth.Synthesis;
import io.vpasid.synth.SynthesisResult;
import io.vpasid.synth.json.JsonFileException;
import io.vpasid.synth.json.Spelling;
import io.vpasid.vmm.iommufd.IommufdException;
import io.vpasid.vmm.iommufd.PageTableId;
import io.vpasid.vmm.iommufd.simulated.Failures;
import io.vpasid.vmm.iommufd.simulated.Request;
import io.vpasid.vmm.iommufd.simulated.SimulatedHost;
import io.vpasid.vmm.linux.Errno;
import io.vpasid.vmm.linux.calls.MemoryBudget;
import io.vpasid.vmm.pasid.AddressSpace;
import io.vpasid.vmm.pasid.Attachment;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.slf4j.event.Level;
import tools.jackson.databind.JsonNode;

/// The commands of the control socket, done to a daemon. Runs on the daemon's worker.
final class DaemonCommands implements ControlTarget {
  private static final long MAX_U32 = 0xffff_ffffL;

  private final Daemon daemon;
  private final IommuCommands iommus;
  private final PasidCommands pasids;
  private final Map<Client, Belongings> temporary = new HashMap<>();

  private final LongRequests requests = new LongRequests(LongWork.BOUND);

  DaemonCommands(Daemon daemon) {
    this.daemon = daemon;
    iommus = new IommuCommands(daemon);
    pasids = new PasidCommands(daemon, this::function, requests);
  }

  @Override
  public Object execute(ControlCommand command, ControlArguments arguments, Client client) {
    try {
      Object result = run(command, arguments, client);
      daemon.metrics().commandDone(command);
      return result;
    } catch (ControlException e) {
      daemon.metrics().commandRefused(command);
      throw e;
    } catch (InputException | IommufdException | JsonFileException | IOException e) {
      daemon.metrics().commandRefused(command);
      throw refused(e);
    }
  }

  /// With the errno, if it was the kernel, or what stands in its place, that refused.
  private static ControlException refused(Exception e) {
    String message = String.valueOf(e.getMessage());
    Throwable reason = e instanceof InputException && e.getCause() != null ? e.getCause() : e;
    return reason instanceof IommufdException kernel
        ? ControlException.because(kernel.errno(), message)
        : ControlException.generic(message);
  }

  @Override
  public void gone(Client client) {
    Belongings left = temporary.remove(client);
    if (left == null) {
      return;
    }
    for (ServedIommu iommu : left.iommus) {
      if (daemon.iommus().all().contains(iommu)) {
        daemon.iommus().remove(iommu);
      }
    }
    for (ServedFunction served : left.functions) {
      if (daemon.functions().all().contains(served)) {
        var _ = daemon.functions().remove(served);
      }
    }
    for (int handle : left.spaces) {
      Optional<AddressSpace> space = daemon.spaces().table().find(handle);
      // One that others use meanwhile is theirs to delete.
      if (space.isPresent() && users(space.get()).isEmpty()) {
        try {
          daemon.spaces().remove(handle, daemon.functions().all());
        } catch (IommufdException e) {
          daemon.log().say(Level.WARN, "An address space stays: " + e.getMessage());
        }
      }
    }
  }

  /// The things that a client has added and wants to go with the connection.
  private Optional<Belongings> belongingsOf(Client client) {
    return client.isTemporary()
        ? Optional.of(temporary.computeIfAbsent(client, _ -> new Belongings()))
        : Optional.empty();
  }

  /// Things that go when a client does. What is deleted before that stays in here only until the
  /// next thing of its kind is added.
  private final class Belongings {
    final List<ServedFunction> functions = new ArrayList<>();
    final List<Integer> spaces = new ArrayList<>();
    final List<ServedIommu> iommus = new ArrayList<>();

    void add(ServedFunction served) {
      functions.removeIf(other -> !daemon.functions().all().contains(other));
      functions.add(served);
    }

    void add(ServedIommu iommu) {
      iommus.removeIf(other -> !daemon.iommus().all().contains(other));
      iommus.add(iommu);
    }

    void add(AddressSpace space) {
      spaces.removeIf(other -> daemon.spaces().table().find(other).isEmpty());
      spaces.add(space.handle());
    }
  }

  private Object run(ControlCommand command, ControlArguments arguments, Client client)
      throws IOException {
    return switch (command) {
      case QMP_CAPABILITIES -> Reply.Done.DONE;
      case QUERY_VERSION -> Reply.Version.of(daemon.version());
      case QUERY_COMMANDS -> Arrays.stream(ControlCommand.values()).map(Reply.Command::of).toList();
      case QUERY_FUNCTIONS ->
          daemon.functions().all().stream().map(FunctionReport.Brief::of).toList();
      case QUERY_FUNCTION -> Json.tree(FunctionReport.of(function(arguments)));
      case FUNCTION_ADD -> add(arguments, client);
      case FUNCTION_DEL -> delete(function(arguments));
      case ADDRESS_SPACE_ADD -> addSpace(arguments, client);
      case ADDRESS_SPACE_DEL -> deleteSpace(space(arguments), arguments.flag("detach"));
      case ADDRESS_SPACE_LIST -> listSpaces();
      case PASID_ATTACH -> pasids.attach(function(arguments), space(arguments), arguments);
      case PASID_DETACH -> pasids.detach(function(arguments), arguments);
      case QUERY_ATTACHMENTS -> pasids.attachments(arguments);
      case QUERY_IOMMUS -> iommus.list();
      case QUERY_IOMMU -> iommus.query(arguments);
      case IOMMU_ADD -> addIommu(arguments, client);
      case IOMMU_DEL -> iommus.delete(arguments);
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
      case QUERY_PAGE -> Reply.PageAddress.of(daemon);
      case QUERY_METRICS -> new Reply.Text(daemon.metrics().text());
      case QUIT -> {
        daemon.requestEnd();
        yield Reply.Done.DONE;
      }
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
            new Reply.Limits.Budget(limits.bars(), daemon.functions().barBytes())));
  }

  private ServedFunction function(ControlArguments arguments) {
    return function(arguments.text("function"));
  }

  private ServedFunction function(String name) {
    return daemon.functions().find(name).orElseThrow(() -> unknown(name));
  }

  private IommuReport.Brief addIommu(ControlArguments arguments, Client client) throws IOException {
    ServedIommu added = iommus.add(arguments);
    belongingsOf(client).ifPresent(belongings -> belongings.add(added));
    return IommuReport.Brief.of(added);
  }

  private ControlException unknown(String name) {
    List<String> names = daemon.functions().all().stream().map(ServedFunction::name).toList();
    String there =
        names.isEmpty()
            ? "there is none at all"
            : Spelling.nearest(name, names)
                .map(near -> "did you mean '" + near + "'?")
                .orElse("there are " + shortened(names));
    return new ControlException(
        ControlException.Kind.FUNCTION_NOT_FOUND,
        "there is no function '" + ControlArguments.printable(name) + "'; " + there);
  }

  private static String shortened(List<String> names) {
    int shown = Math.min(names.size(), 8);
    return String.join(", ", names.subList(0, shown))
        + (shown < names.size() ? " and " + (names.size() - shown) + " more" : "");
  }

  private FunctionReport.Brief add(ControlArguments arguments, Client client) throws IOException {
    FunctionConfig wanted =
        DaemonConfigReader.readFunction(
            arguments.json(),
            ControlCommand.FUNCTION_ADD.title(),
            daemon.config().folder(),
            daemon.config().hardware(),
            daemon.config().access());
    ServedFunction added = daemon.functions().add(wanted, daemon.quirks().table());
    belongingsOf(client).ifPresent(belongings -> belongings.add(added));
    return FunctionReport.Brief.of(added);
  }

  private Reply delete(ServedFunction served) {
    ServedFunctions.Removed removed = daemon.functions().remove(served);
    return new Reply.Removed(
        removed.detached(),
        removed.left(),
        removed.isReleased() ? Optional.empty() : Optional.of(false));
  }

  private Reply addSpace(ControlArguments arguments, Client client) {
    AddressSpaceConfig wanted =
        DaemonConfigReader.readAddressSpace(
            arguments.json(), ControlCommand.ADDRESS_SPACE_ADD.title());
    wanted.functions().ifPresent(names -> names.forEach(this::function));
    if (daemon.spaces().table().find(wanted.name()).isPresent()) {
      throw ControlException.generic("there is an address space '" + wanted.name() + "' already");
    }
    if (wanted.handle().flatMap(daemon.spaces().table()::find).isPresent()) {
      throw ControlException.generic(
          "the handle " + wanted.handle().get() + " is another address space's; leave it out");
    }
    AddressSpace added =
        daemon
            .spaces()
            .add(wanted, daemon.functions().all())
            .orElseThrow(() ->
                ControlException.generic(
                    "there are %d address spaces, and no room for more; delete one"
                        .formatted(daemon.spaces().table().limit())));
    belongingsOf(client).ifPresent(belongings -> belongings.add(added));
    return new Reply.Space(
        added.handle(),
        added.name(),
        daemon.functions().all().stream()
            .filter(served -> added.pageTables().containsKey(served.address()))
            .map(ServedFunction::name)
            .toList(),
        Optional.empty());
  }

  private AddressSpace space(ControlArguments arguments) {
    JsonNode asked = arguments.space("space");
    Optional<AddressSpace> found =
        asked.isString()
            ? daemon.spaces().table().find(asked.stringValue())
            : asked.canConvertToInt()
                ? daemon.spaces().table().find(asked.intValue())
                : Optional.empty();
    return found.orElseThrow(() ->
        ControlException.generic(
            "there is no address space %s; address-space-list tells which there are"
                .formatted(ControlArguments.printable(asked.toString()))));
  }

  /// Whose PASIDs are attached to an address space, and how many.
  private List<String> users(AddressSpace space) {
    List<String> users = new ArrayList<>();
    for (ServedFunction served : daemon.functions().all()) {
      PageTableId pageTable = space.pageTables().get(served.address());
      int attached = pageTable == null ? 0 : attached(served).getOrDefault(pageTable, 0);
      if (attached > 0) {
        users.add(attached + " of " + served.name());
      }
    }
    return users;
  }

  private Reply deleteSpace(AddressSpace space, boolean detach) {
    if (detach) {
      return new Reply.SpaceRemoved(
          daemon.spaces().detachAndRemove(space.handle(), daemon.functions().all()));
    }
    List<String> users = users(space);
    if (!users.isEmpty()) {
      throw ControlException.generic(
          "PASIDs are attached to address space '"
              + space.name()
              + "', "
              + shortened(users)
              + "; detach them first, or give 'detach'");
    }
    daemon.spaces().remove(space.handle(), daemon.functions().all());
    return new Reply.SpaceRemoved(0);
  }

  /// The number of PASIDs of a function that are attached to each page table.
  private static Map<PageTableId, Integer> attached(ServedFunction served) {
    Map<PageTableId, Integer> counts = new HashMap<>();
    for (Attachment attachment : served.function().attachments().snapshot()) {
      counts.merge(attachment.pageTable(), 1, Integer::sum);
    }
    return counts;
  }

  private List<Reply.Space> listSpaces() {
    Map<ServedFunction, Map<PageTableId, Integer>> counts = new LinkedHashMap<>();
    daemon.functions().all().forEach(served -> counts.put(served, attached(served)));
    return daemon.spaces().table().all().stream().map(space -> describe(space, counts)).toList();
  }

  /// @param counts how many PASIDs of each function are attached to each page table
  private static Reply.Space describe(
      AddressSpace space, Map<ServedFunction, Map<PageTableId, Integer>> counts) {
    List<String> functions = new ArrayList<>();
    int attached = 0;
    for (Map.Entry<ServedFunction, Map<PageTableId, Integer>> entry : counts.entrySet()) {
      PageTableId pageTable = space.pageTables().get(entry.getKey().address());
      if (pageTable != null) {
        functions.add(entry.getKey().name());
        attached += entry.getValue().getOrDefault(pageTable, 0);
      }
    }
    return new Reply.Space(space.handle(), space.name(), functions, Optional.of(attached));
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
          "function '"
              + served.name()
              + "' shares its host with others, whose requests would fail too; add it with 'iommu'"
              + " or 'kernel'");
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
