package io.vpasid.guest.config;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// The part of a configuration that one tenant's process serves, which is a configuration itself:
/// the tenant's functions, the address spaces that they may use, their IOMMUs, and everything that
/// is said for all functions. It follows what control commands add and take away, so that a process
/// that is started again serves what the one before did.
///
/// Safe to use from several threads.
public final class TenantPart {
  private static final JsonMapper JSON = new JsonMapper();

  /// The keys that belong to the whole, or are chosen for the tenant.
  private static final Set<String> NOT_COPIED =
      Set.of(
          "$schema",
          "control",
          "metrics",
          "page",
          "functions",
          "addressSpaces",
          "iommu",
          "tenants");

  /// A list of a part.
  public enum Kind {
    FUNCTION("functions", "name"),
    ADDRESS_SPACE("addressSpaces", "handle"),
    IOMMU("iommu", "name");

    private final String list;
    private final String key;

    Kind(String list, String key) {
      this.list = list;
      this.key = key;
    }
  }

  private final TenantConfig tenant;
  private final ObjectNode json;

  private TenantPart(TenantConfig tenant, ObjectNode json) {
    this.tenant = tenant;
    this.json = json;
  }

  /// The parts of a configuration, by tenant, in the order of the functions.
  ///
  /// @param text of the configuration, which has been read as `config`
  /// @throws InputException if an IOMMU has functions of several tenants behind it
  public static Map<String, TenantPart> of(byte[] text, DaemonConfig config) {
    JsonNode whole = JSON.readTree(text);
    Map<String, TenantPart> parts = new LinkedHashMap<>();
    Map<String, TenantPart> byFunction = new LinkedHashMap<>();
    for (int i = 0; i < config.functions().size(); i++) {
      FunctionConfig function = config.functions().get(i);
      TenantPart part =
          parts.computeIfAbsent(function.tenant(), name -> empty(whole, config, name));
      part.add(Kind.FUNCTION, (ObjectNode) whole.path("functions").get(i));
      byFunction.put(function.name(), part);
    }
    for (int i = 0; i < config.iommus().size(); i++) {
      IommuConfig iommu = config.iommus().get(i);
      List<TenantPart> covered =
          iommu.covers().keySet().stream().map(byFunction::get).distinct().toList();
      if (covered.size() > 1) {
        throw new InputException(
            "the functions behind IOMMU '%s' are of tenants '%s' and '%s', and one guest has them; give them one \"tenant\""
                .formatted(iommu.name(), covered.get(0).name(), covered.get(1).name()));
      }
      ObjectNode named = ((ObjectNode) list(whole, "iommu").get(i)).deepCopy();
      named.set("covers", list(named, "covers"));
      covered.getFirst().add(Kind.IOMMU, named.put("name", iommu.name()));
    }
    return parts;
  }

  /// The address spaces of a configuration as it has them.
  public static List<ObjectNode> addressSpaces(byte[] text) {
    return JSON.readTree(text)
        .path(Kind.ADDRESS_SPACE.list)
        .valueStream()
        .map(space -> (ObjectNode) space)
        .toList();
  }

  /// A list; one value stands for a list of it.
  private static JsonNode list(JsonNode whole, String key) {
    JsonNode value = whole.path(key);
    return value.isArray() ? value : JSON.createArrayNode().add(value);
  }

  /// A part without functions, for a tenant who gets one later.
  ///
  /// @param text of the configuration
  public static TenantPart empty(byte[] text, DaemonConfig config, String tenant) {
    return empty(JSON.readTree(text), config, tenant);
  }

  private static TenantPart empty(JsonNode whole, DaemonConfig config, String name) {
    ObjectNode json = JSON.createObjectNode();
    whole.properties().stream()
        .filter(member -> !NOT_COPIED.contains(member.getKey()))
        .forEach(member -> json.set(member.getKey(), member.getValue()));
    for (Kind kind : List.of(Kind.FUNCTION, Kind.ADDRESS_SPACE)) {
      json.putArray(kind.list);
    }
    return new TenantPart(
        config.tenants().stream()
            .filter(tenant -> tenant.name().equals(name))
            .findFirst()
            .orElseGet(() -> TenantConfig.usual(name)),
        json);
  }

  /// The tenant's name.
  public String name() {
    return tenant.name();
  }

  /// The settings of the tenant's process.
  public TenantConfig tenant() {
    return tenant;
  }

  /// The names of the functions.
  public List<String> functions() {
    return keys(Kind.FUNCTION);
  }

  /// The names of what is in a list, or the handles of the address spaces.
  public synchronized List<String> keys(Kind kind) {
    return json.path(kind.list).valueStream().map(one -> one.path(kind.key).asString("")).toList();
  }

  /// Keeps what a process has been told to serve more.
  public synchronized void add(Kind kind, ObjectNode added) {
    json.withArray(kind.list).add(added.deepCopy());
  }

  /// Forgets what has been taken away, if it is there.
  ///
  /// @param key its name, or the handle of an address space
  public synchronized void remove(Kind kind, String key) {
    remove(kind, one -> one.path(kind.key).asString("").equals(key));
    if (kind == Kind.FUNCTION) {
      forget(key);
    }
  }

  private void remove(Kind kind, Predicate<JsonNode> which) {
    ArrayNode list = json.withArray(kind.list).removeIf(which);
    if (kind == Kind.IOMMU && list.isEmpty()) {
      json.remove(kind.list);
    }
  }

  /// Has nothing name a function that is gone, which the next process would not find.
  private void forget(String function) {
    for (JsonNode space : json.path(Kind.ADDRESS_SPACE.list)) {
      if (space.path("functions") instanceof ArrayNode named) {
        named.removeIf(name -> name.asString("").equals(function));
      }
    }
    for (JsonNode iommu : json.path(Kind.IOMMU.list)) {
      ArrayNode covers = ((ObjectNode) iommu).withArray("covers");
      covers.removeIf(covered -> covered.path("function").asString("").equals(function));
    }
  }

  /// The description of an address space for a part: with its handle, and of the functions only
  /// those that are there.
  ///
  /// @param space as a configuration has it
  /// @return empty if none of the part's functions may use it
  public synchronized Optional<ObjectNode> reduced(ObjectNode space, int handle) {
    ObjectNode own = space.deepCopy();
    own.put("handle", handle);
    if (space.has("functions")) {
      List<String> mine = functions();
      List<String> named = new ArrayList<>();
      list(space, "functions").forEach(name -> named.add(name.asString()));
      named.removeIf(name -> !mine.contains(name));
      if (named.isEmpty()) {
        return Optional.empty();
      }
      ArrayNode functions = own.putArray("functions");
      named.forEach(functions::add);
    }
    return Optional.of(own);
  }

  /// The part as a line in UTF-8 with its newline. An IOMMU of which no function is left is not in
  /// it any more.
  ///
  /// @param control where its control socket is to be
  /// @param user id of the only user who may use that
  public synchronized byte[] line(Path control, int user) {
    remove(Kind.IOMMU, iommu -> iommu.path("covers").isEmpty());
    ObjectNode all = json.deepCopy();
    all.putObject("control").put("socket", control.toString()).putArray("users").add(user);
    return (JSON.writeValueAsString(all) + "\n").getBytes(StandardCharsets.UTF_8);
  }
}
