package io.vpasid.guest.daemon;

import io.vpasid.guest.config.DaemonConfig;
import io.vpasid.guest.config.DaemonConfigReader;
import io.vpasid.guest.config.FunctionConfig;
import io.vpasid.guest.config.InputException;
import io.vpasid.guest.config.TenantPart;
import io.vpasid.guest.config.TenantPart.Kind;
import io.vpasid.guest.control.ControlArguments;
import io.vpasid.guest.control.ControlCommand;
import io.vpasid.guest.control.ControlException;
import io.vpasid.guest.control.ControlTarget;
import io.vpasid.synth.json.JsonFileException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.slf4j.event.Level;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/// The commands of the control socket, handed on to the processes of the tenants that they are
/// about, whose answers are put together. Runs on the daemon's worker.
///
/// Handles of address spaces are given out here, so that a handle means the same in every process.
final class IsolatedCommands implements ControlTarget {
  private static final JsonNodeFactory JSON = JsonNodeFactory.instance;
  private static final int USUAL_LIMIT = 1000;
  private static final int MAX_LIMIT = 10_000;

  private final IsolatedDaemon daemon;
  private final byte[] text;
  private final DaemonConfig config;
  private final Map<String, TenantPart> parts;

  /// The address spaces by handle, as they were described.
  private final Map<Integer, Space> spaces = new TreeMap<>();

  private int lastHandle;

  /// What goes when a client does, the latest last.
  private final Map<Client, List<Runnable>> temporary = new HashMap<>();

  private record Space(int handle, String name, ObjectNode json) {}

  /// @param text that the configuration was read from
  /// @throws InputException if it cannot be served by several processes
  IsolatedCommands(IsolatedDaemon daemon, byte[] text, DaemonConfig config) {
    this.daemon = daemon;
    this.text = text;
    this.config = config;
    parts = TenantPart.of(text, config);
    List<ObjectNode> described = TenantPart.addressSpaces(text);
    for (int i = 0; i < described.size(); i++) {
      int handle = config.addressSpaces().get(i).handle().orElseThrow();
      Space space = new Space(handle, config.addressSpaces().get(i).name(), described.get(i));
      keep(space);
      parts.values().forEach(part -> addTo(part, space));
    }
  }

  /// The parts that are served from the start.
  Collection<TenantPart> parts() {
    return parts.values();
  }

  @Override
  public Object execute(ControlCommand command, ControlArguments arguments, Client client) {
    try {
      return run(command, arguments, client);
    } catch (InputException | JsonFileException e) {
      throw ControlException.generic(String.valueOf(e.getMessage()));
    }
  }

  @Override
  public void gone(Client client) {
    for (Runnable undo : temporary.getOrDefault(client, List.of()).reversed()) {
      try {
        undo.run();
      } catch (ControlException e) {
        // What others use, or have deleted, is theirs.
        daemon.log().say(Level.DEBUG, e.desc());
      }
    }
    temporary.remove(client);
  }

  private void whenGone(Client client, Runnable undo) {
    if (client.isTemporary()) {
      temporary.computeIfAbsent(client, _ -> new ArrayList<>()).add(undo);
    }
  }

  private Object run(ControlCommand command, ControlArguments arguments, Client client) {
    return switch (command) {
      case QMP_CAPABILITIES -> Reply.Done.DONE;
      case QUERY_VERSION -> Reply.Version.of(daemon.version());
      case QUERY_COMMANDS -> Arrays.stream(ControlCommand.values()).map(Reply.Command::of).toList();
      case QUERY_FUNCTIONS, QUERY_IOMMUS -> together(command, arguments);
      case QUERY_FUNCTION,
          PASID_ATTACH,
          PASID_DETACH,
          CONFIG_READ,
          CONFIG_WRITE,
          FUNCTION_RESET,
          REQUEST_FAIL ->
          ask(ofFunction(arguments.text("function")), command, arguments);
      case FUNCTION_ADD -> addFunction(arguments, client);
      case FUNCTION_DEL -> deleteFunction(arguments.text("function"));
      case ADDRESS_SPACE_ADD -> addSpace(arguments, client);
      case ADDRESS_SPACE_DEL -> deleteSpace(space(arguments), arguments.flag("detach"));
      case ADDRESS_SPACE_LIST -> listSpaces();
      case QUERY_ATTACHMENTS -> attachments(arguments);
      case QUERY_IOMMU -> ask(ofIommu(arguments.optionalText("iommu")), command, arguments);
      case IOMMU_ADD -> addIommu(arguments, client);
      case IOMMU_DEL -> deleteIommu(arguments.text("iommu"));
      case QUERY_TENANTS -> daemon.tenants().stream().map(Reply.Tenant::of).toList();
      case TENANT_RESTART -> {
        tenant(arguments.text("tenant")).restart();
        yield Reply.Done.DONE;
      }
      case QUIRKS_RELOAD -> reload();
      case QUERY_LIMITS -> limits();
      case QUERY_STATE -> daemon.state();
      case QUERY_PAGE -> Reply.PageAddress.of(daemon);
      case QUERY_METRICS -> new Reply.Text(daemon.metricsText());
      case QUIT -> {
        daemon.requestEnd();
        yield Reply.Done.DONE;
      }
    };
  }

  private static JsonNode ask(
      TenantProcess tenant, ControlCommand command, ControlArguments arguments) {
    return tenant.execute(command.title(), arguments.values());
  }

  private static ObjectNode object(String key, String value) {
    return JSON.objectNode().put(key, value);
  }

  // Tenants

  private TenantProcess tenant(String name) {
    return daemon
        .tenant(name)
        .orElseThrow(() ->
            ControlException.generic(
                "there is no tenant '%s'; query-tenants tells which there are"
                    .formatted(ControlArguments.printable(name))));
  }

  private Optional<TenantProcess> with(Kind kind, String key) {
    return daemon.tenants().stream()
        .filter(tenant -> tenant.part().keys(kind).contains(key))
        .findFirst();
  }

  private TenantProcess ofFunction(String name) {
    return with(Kind.FUNCTION, name)
        .orElseThrow(() ->
            new ControlException(
                ControlException.Kind.FUNCTION_NOT_FOUND,
                "there is no function '%s'; query-tenants tells which there are"
                    .formatted(ControlArguments.printable(name))));
  }

  private TenantProcess ofIommu(Optional<String> name) {
    if (name.isPresent()) {
      return with(Kind.IOMMU, name.get())
          .orElseThrow(() ->
              ControlException.generic(
                  "there is no IOMMU '%s'; query-iommus tells which there are"
                      .formatted(ControlArguments.printable(name.get()))));
    }
    List<TenantProcess> all =
        daemon.tenants().stream()
            .filter(tenant -> !tenant.part().keys(Kind.IOMMU).isEmpty())
            .toList();
    if (all.size() != 1) {
      throw ControlException.generic(
          all.isEmpty()
              ? "there is no IOMMU; iommu-add makes one, or \"iommu\" in the configuration"
              : "there are several IOMMUs; query-iommus tells which");
    }
    return all.getFirst();
  }

  private List<JsonNode> together(ControlCommand command, ControlArguments arguments) {
    return daemon.askAll(command, arguments.values()).values().stream()
        .flatMap(JsonNode::valueStream)
        .toList();
  }

  // Functions

  private JsonNode addFunction(ControlArguments arguments, Client client) {
    FunctionConfig wanted =
        DaemonConfigReader.readFunction(
            arguments.json(),
            ControlCommand.FUNCTION_ADD.title(),
            config.folder(),
            config.hardware(),
            config.access());
    if (with(Kind.FUNCTION, wanted.name()).isPresent()) {
      throw ControlException.generic("there is a function '" + wanted.name() + "' already");
    }
    Optional<TenantProcess> there = daemon.tenant(wanted.tenant());
    TenantProcess tenant =
        there.orElseGet(() -> daemon.add(TenantPart.empty(text, config, wanted.tenant())));
    JsonNode added;
    try {
      added = ask(tenant, ControlCommand.FUNCTION_ADD, arguments);
    } catch (ControlException e) {
      if (there.isEmpty()) {
        daemon.remove(tenant);
      }
      throw e;
    }
    tenant.part().add(Kind.FUNCTION, arguments.values());
    whenGone(client, () -> deleteFunction(wanted.name()));
    spaces.values().forEach(space -> extend(tenant, space));
    return added;
  }

  /// A process serves what is left of its tenant's functions, and ends with the last.
  private JsonNode deleteFunction(String name) {
    TenantProcess tenant = ofFunction(name);
    JsonNode deleted =
        tenant.execute(ControlCommand.FUNCTION_DEL.title(), object("function", name));
    tenant.part().remove(Kind.FUNCTION, name);
    if (tenant.part().functions().isEmpty()) {
      daemon.remove(tenant);
    }
    return deleted;
  }

  // Address spaces

  private void keep(Space space) {
    spaces.put(space.handle, space);
    lastHandle = Math.max(lastHandle, space.handle);
  }

  /// @return what was added; empty if the part's functions may not use it, or it is there
  private static Optional<ObjectNode> addTo(TenantPart part, Space space) {
    if (part.keys(Kind.ADDRESS_SPACE).contains(Integer.toString(space.handle))) {
      return Optional.empty();
    }
    Optional<ObjectNode> own = part.reduced(space.json, space.handle);
    own.ifPresent(added -> part.add(Kind.ADDRESS_SPACE, added));
    return own;
  }

  /// Tells a process of an address space that its functions may use and it does not have.
  private static void extend(TenantProcess tenant, Space space) {
    Optional<ObjectNode> added = addTo(tenant.part(), space);
    if (added.isPresent() && tenant.pid().isPresent()) {
      try {
        tenant.execute(ControlCommand.ADDRESS_SPACE_ADD.title(), added.get());
      } catch (ControlException e) {
        tenant.part().remove(Kind.ADDRESS_SPACE, Integer.toString(space.handle));
        throw e;
      }
    }
  }

  private Reply addSpace(ControlArguments arguments, Client client) {
    String name = arguments.text("name");
    var _ =
        DaemonConfigReader.readAddressSpace(
            arguments.json(), ControlCommand.ADDRESS_SPACE_ADD.title());
    arguments.texts("functions").ifPresent(names -> names.forEach(this::ofFunction));
    if (spaces.values().stream().anyMatch(space -> space.name.equals(name))) {
      throw ControlException.generic("there is an address space '" + name + "' already");
    }
    int handle =
        arguments
            .optionalNumber("handle", 1, Integer.MAX_VALUE)
            .map(Long::intValue)
            .orElse(lastHandle + 1);
    if (spaces.containsKey(handle)) {
      throw ControlException.generic(
          "the handle " + handle + " is another address space's; leave it out");
    }
    Space added = new Space(handle, name, arguments.values());
    List<TenantProcess> having = new ArrayList<>();
    for (TenantProcess tenant : daemon.tenants()) {
      try {
        extend(tenant, added);
        having.add(tenant);
      } catch (ControlException e) {
        having.forEach(other -> drop(other, handle, false));
        throw e;
      }
    }
    keep(added);
    whenGone(client, () -> deleteSpace(added, false));
    return new Reply.Space(
        handle,
        name,
        arguments
            .texts("functions")
            .orElseGet(() ->
                daemon.tenants().stream().flatMap(t -> t.part().functions().stream()).toList()),
        Optional.empty());
  }

  private Space space(ControlArguments arguments) {
    JsonNode asked = arguments.space("space");
    return spaces.values().stream()
        .filter(space ->
            asked.isString()
                ? space.name.equals(asked.stringValue())
                : asked.canConvertToInt() && space.handle == asked.intValue())
        .findFirst()
        .orElseThrow(() ->
            ControlException.generic(
                "there is no address space %s; address-space-list tells which there are"
                    .formatted(ControlArguments.printable(asked.toString()))));
  }

  /// Takes an address space from one process.
  ///
  /// @return how many PASIDs were detached
  private static int drop(TenantProcess tenant, int handle, boolean detach) {
    if (!tenant.part().keys(Kind.ADDRESS_SPACE).contains(Integer.toString(handle))) {
      return 0;
    }
    int detached = 0;
    if (tenant.pid().isPresent()) {
      detached =
          tenant
              .execute(
                  ControlCommand.ADDRESS_SPACE_DEL.title(),
                  JSON.objectNode().put("space", handle).put("detach", detach))
              .path("detached")
              .asInt(0);
    }
    tenant.part().remove(Kind.ADDRESS_SPACE, Integer.toString(handle));
    return detached;
  }

  private Reply deleteSpace(Space space, boolean detach) {
    List<TenantProcess> without = new ArrayList<>();
    int detached = 0;
    for (TenantProcess tenant : daemon.tenants()) {
      try {
        detached += drop(tenant, space.handle, detach);
        without.add(tenant);
      } catch (ControlException e) {
        without.forEach(other -> extend(other, space));
        throw e;
      }
    }
    spaces.remove(space.handle);
    return new Reply.SpaceRemoved(detached);
  }

  private List<Reply.Space> listSpaces() {
    Map<Integer, List<JsonNode>> told = new HashMap<>();
    daemon
        .askAll(ControlCommand.ADDRESS_SPACE_LIST, JSON.objectNode())
        .values()
        .forEach(list ->
            list.forEach(one ->
                told.computeIfAbsent(one.path("handle").asInt(0), _ -> new ArrayList<>())
                    .add(one)));
    return spaces.values().stream()
        .map(space -> {
          List<JsonNode> each = told.getOrDefault(space.handle, List.of());
          return new Reply.Space(
              space.handle,
              space.name,
              each.stream()
                  .flatMap(one -> one.path("functions").valueStream())
                  .map(function -> function.asString(""))
                  .toList(),
              Optional.of(each.stream().mapToInt(one -> one.path("attached").asInt(0)).sum()));
        })
        .toList();
  }

  /// Of one process, or of one after the other until there are enough.
  private JsonNode attachments(ControlArguments arguments) {
    Optional<String> function = arguments.optionalText("function");
    if (function.isPresent()) {
      return ask(ofFunction(function.get()), ControlCommand.QUERY_ATTACHMENTS, arguments);
    }
    for (String needing : List.of("first", "kernel")) {
      if (arguments.values().has(needing)) {
        throw ControlException.generic("'" + needing + "' needs 'function'");
      }
    }
    int limit =
        arguments.optionalNumber("limit", 1, MAX_LIMIT).orElse((long) USUAL_LIMIT).intValue();
    ArrayNode all = JSON.arrayNode();
    boolean more = false;
    for (JsonNode answer :
        daemon
            .askAll(ControlCommand.QUERY_ATTACHMENTS, JSON.objectNode().put("limit", limit))
            .values()) {
      more |= answer.path("more").asBoolean(false);
      for (JsonNode one : answer.path("attachments")) {
        if (all.size() < limit) {
          all.add(one);
        } else {
          more = true;
        }
      }
    }
    ObjectNode together = JSON.objectNode();
    together.set("attachments", all);
    return together.put("more", more);
  }

  // IOMMUs

  private JsonNode addIommu(ControlArguments arguments, Client client) {
    String name = arguments.text("name");
    if (with(Kind.IOMMU, name).isPresent()) {
      throw ControlException.generic("there is an IOMMU '" + name + "' already");
    }
    ObjectNode described = arguments.values();
    ArrayNode covers = described.putArray("covers");
    List<TenantProcess> tenants = new ArrayList<>();
    for (String covered : arguments.texts("covers").orElse(List.of())) {
      int at = Math.max(0, covered.lastIndexOf('@'));
      tenants.add(ofFunction(covered.substring(0, at)));
      covers
          .addObject()
          .put("function", covered.substring(0, at))
          .put("place", covered.substring(at + 1));
    }
    if (tenants.stream().distinct().count() != 1) {
      throw ControlException.generic(
          "an IOMMU is one guest's, and has functions of one tenant behind it, not of "
              + tenants.stream().distinct().count());
    }
    JsonNode added = ask(tenants.getFirst(), ControlCommand.IOMMU_ADD, arguments);
    tenants.getFirst().part().add(Kind.IOMMU, described);
    whenGone(client, () -> deleteIommu(name));
    return added;
  }

  private JsonNode deleteIommu(String name) {
    TenantProcess tenant = ofIommu(Optional.of(name));
    JsonNode deleted = tenant.execute(ControlCommand.IOMMU_DEL.title(), object("iommu", name));
    tenant.part().remove(Kind.IOMMU, name);
    return deleted;
  }

  // Of all

  private ObjectNode reload() {
    ObjectNode together = JSON.objectNode().put("quirks", 0);
    ObjectNode moved = together.putObject("moved");
    for (TenantProcess tenant : daemon.tenants()) {
      if (tenant.state() == TenantProcess.State.SERVING) {
        JsonNode answer = tenant.execute(ControlCommand.QUIRKS_RELOAD.title(), JSON.objectNode());
        together.set("quirks", answer.path("quirks"));
        answer.path("moved").properties().forEach(one -> moved.set(one.getKey(), one.getValue()));
      }
    }
    return together;
  }

  /// The limits are those of each process; what is taken of them is added up.
  private ObjectNode limits() {
    ObjectNode together = JSON.objectNode();
    ObjectNode limits = together.putObject("limits");
    config.limits().byKey().forEach(limits::put);
    ObjectNode process = together.putObject("process");
    daemon
        .askAll(ControlCommand.QUERY_LIMITS, JSON.objectNode())
        .values()
        .forEach(answer ->
            answer
                .path("process")
                .properties()
                .forEach(budget -> {
                  ObjectNode sum = process.withObject("/" + budget.getKey());
                  for (String figure : List.of("most", "taken")) {
                    sum.put(
                        figure,
                        sum.path(figure).asLong(0) + budget.getValue().path(figure).asLong(0));
                  }
                }));
    return together;
  }
}
