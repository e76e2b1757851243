package io.vpasid.guest.daemon;

import io.vpasid.guest.config.FunctionConfig;
import io.vpasid.guest.config.InputException;
import io.vpasid.guest.config.IommuConfig;
import io.vpasid.guest.config.TenantPart;
import io.vpasid.guest.config.TenantPart.Kind;
import io.vpasid.guest.control.ControlArguments;
import io.vpasid.guest.control.ControlCommand;
import io.vpasid.guest.control.ControlEvent;
import io.vpasid.guest.control.ControlException;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.slf4j.event.Level;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/// The commands of the control socket, handed on to the processes of the tenants that they are
/// about, whose answers are put together. Runs on the daemon's worker.
final class IsolatedCommands extends ServingCommands {
  private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

  private final IsolatedDaemon daemon;
  private final byte[] text;
  private final Map<String, TenantPart> parts;
  private final IsolatedSpaceCommands spaces;

  /// @param text that the configuration was read from
  /// @throws InputException if it cannot be served by several processes
  IsolatedCommands(IsolatedDaemon daemon, byte[] text) {
    super(daemon);
    this.daemon = daemon;
    this.text = text;
    parts = TenantPart.of(text, daemon.config());
    spaces = new IsolatedSpaceCommands(daemon, belongings, this::ofFunction);
    List<ObjectNode> described = TenantPart.addressSpaces(text);
    for (int i = 0; i < described.size(); i++) {
      spaces.add(daemon.config().addressSpaces().get(i), described.get(i), parts.values());
    }
  }

  /// The parts that are served from the start.
  Collection<TenantPart> parts() {
    return parts.values();
  }

  @Override
  Object run(ControlCommand command, ControlArguments arguments, Client client) {
    return switch (command) {
      case QMP_CAPABILITIES, QUERY_VERSION, QUERY_COMMANDS, QUERY_PAGE, QUERY_METRICS, QUIT ->
          ofDaemon(command);
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
      case ADDRESS_SPACE_ADD -> spaces.add(arguments, client);
      case ADDRESS_SPACE_DEL -> spaces.delete(arguments);
      case ADDRESS_SPACE_LIST -> spaces.list();
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
    };
  }

  private static JsonNode ask(
      TenantProcess tenant, ControlCommand command, ControlArguments arguments) {
    return tenant.execute(command, arguments.values());
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
      throw all.isEmpty()
          ? IommuCommands.none()
          : ControlException.generic("there are several IOMMUs; query-iommus tells which");
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
    FunctionConfig wanted = wantedFunction(arguments);
    if (with(Kind.FUNCTION, wanted.name()).isPresent()) {
      throw ServedFunctions.taken(wanted.name());
    }
    Optional<TenantProcess> there = daemon.tenant(wanted.tenant());
    TenantProcess tenant =
        there.orElseGet(() -> daemon.add(TenantPart.empty(text, daemon.config(), wanted.tenant())));
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
    belongings.add(client, Kind.FUNCTION, wanted.name(), () -> deleteFunction(wanted.name()));
    spaces.extend(tenant);
    return added;
  }

  /// A process serves what is left of its tenant's functions, and ends with the last.
  private Object deleteFunction(String name) {
    TenantProcess tenant = ofFunction(name);
    Object deleted = Reply.Removed.NOTHING_SERVED;
    if (isGoneWithoutProcess(tenant, Kind.FUNCTION, name)) {
      daemon.tell(Level.INFO, ControlEvent.FUNCTION_DELETED, EventData.of("function", name));
    } else {
      JsonNode told = tenant.execute(ControlCommand.FUNCTION_DEL, object("function", name));
      gone(tenant, Kind.FUNCTION, name);
      told.path("iommus").forEach(iommu -> gone(tenant, Kind.IOMMU, iommu.asString("")));
      deleted = told;
    }
    if (tenant.part().functions().isEmpty()) {
      daemon.remove(tenant);
    }
    return deleted;
  }

  private void gone(TenantProcess tenant, Kind kind, String name) {
    tenant.part().remove(kind, name);
    belongings.deleted(kind, name);
  }

  /// Takes something away from a tenant who has no process: the next will not serve it.
  ///
  /// @return false if there is a process, which has to be told
  private boolean isGoneWithoutProcess(TenantProcess tenant, Kind kind, String name) {
    return tenant.changeWithoutProcess(() -> gone(tenant, kind, name));
  }

  // Attachments

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
    int limit = PasidCommands.limit(arguments);
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
    IommuConfig wanted = wantedIommu(arguments);
    if (with(Kind.IOMMU, wanted.name()).isPresent()) {
      throw ServedIommus.taken(wanted.name());
    }
    List<TenantProcess> tenants =
        wanted.covers().keySet().stream().map(this::ofFunction).distinct().toList();
    if (tenants.size() != 1) {
      throw ControlException.generic(
          "an IOMMU is one guest's, and has functions of one tenant behind it, not of "
              + tenants.size());
    }
    JsonNode added = ask(tenants.getFirst(), ControlCommand.IOMMU_ADD, arguments);
    ObjectNode described = arguments.values();
    ArrayNode covers = described.putArray("covers");
    wanted
        .covers()
        .forEach((function, place) ->
            covers.addObject().put("function", function).put("place", IommuConfig.text(place)));
    tenants.getFirst().part().add(Kind.IOMMU, described);
    belongings.add(client, Kind.IOMMU, wanted.name(), () -> deleteIommu(wanted.name()));
    return added;
  }

  private Object deleteIommu(String name) {
    TenantProcess tenant = ofIommu(Optional.of(name));
    if (isGoneWithoutProcess(tenant, Kind.IOMMU, name)) {
      daemon.tell(Level.INFO, ControlEvent.IOMMU_DELETED, EventData.of("iommu", name));
      return Reply.Done.DONE;
    }
    JsonNode deleted = tenant.execute(ControlCommand.IOMMU_DEL, object("iommu", name));
    gone(tenant, Kind.IOMMU, name);
    return deleted;
  }

  // Of all

  private ObjectNode reload() {
    ObjectNode together = JSON.objectNode().put("quirks", 0);
    ObjectNode moved = together.putObject("moved");
    for (TenantProcess tenant : daemon.tenants()) {
      if (tenant.state() == TenantProcess.State.SERVING) {
        JsonNode answer = tenant.execute(ControlCommand.QUIRKS_RELOAD, JSON.objectNode());
        together.set("quirks", answer.path("quirks"));
        answer.path("moved").properties().forEach(one -> moved.set(one.getKey(), one.getValue()));
      }
    }
    return together;
  }

  /// The limits are those of each process; what is taken of them is added up.
  private Reply limits() {
    Collection<JsonNode> told =
        daemon.askAll(ControlCommand.QUERY_LIMITS, JSON.objectNode()).values();
    return new Reply.Limits(
        daemon.config().limits().byKey(),
        new Reply.Limits.OfProcess(
            sum(told, "files"), sum(told, "bytes"), sum(told, "descriptors"), sum(told, "bars")));
  }

  private static Reply.Limits.Budget sum(Collection<JsonNode> told, String budget) {
    return new Reply.Limits.Budget(
        told.stream().mapToLong(one -> one.at("/process/" + budget + "/most").asLong(0)).sum(),
        told.stream().mapToLong(one -> one.at("/process/" + budget + "/taken").asLong(0)).sum());
  }
}
