package io.vpasid.guest.daemon;

import io.vpasid.guest.config.AddressSpaceConfig;
import io.vpasid.guest.config.TenantPart;
import io.vpasid.guest.config.TenantPart.Kind;
import io.vpasid.guest.control.ControlArguments;
import io.vpasid.guest.control.ControlCommand;
import io.vpasid.guest.control.ControlException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Consumer;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/// Address spaces of tenants' processes. Handles are given out here, so that a handle means the
/// same in every process.
final class IsolatedSpaceCommands extends SpaceCommands<IsolatedSpaceCommands.Space> {
  private final IsolatedDaemon daemon;

  /// By handle.
  private final Map<Integer, Space> spaces = new TreeMap<>();

  private int lastHandle;

  /// @param json as it was described
  record Space(int handle, String name, ObjectNode json) {}

  IsolatedSpaceCommands(IsolatedDaemon daemon, Belongings belongings, Consumer<String> functions) {
    super(belongings, functions);
    this.daemon = daemon;
  }

  /// Adds an address space of the configuration to the parts of it.
  void add(AddressSpaceConfig config, ObjectNode json, Collection<TenantPart> parts) {
    Space space = new Space(config.handle().orElseThrow(), config.name(), json);
    keep(space);
    parts.forEach(part -> addTo(part, space));
  }

  @Override
  Optional<Space> find(String name) {
    return spaces.values().stream().filter(space -> space.name.equals(name)).findFirst();
  }

  @Override
  Optional<Space> find(int handle) {
    return Optional.ofNullable(spaces.get(handle));
  }

  private void keep(Space space) {
    spaces.put(space.handle, space);
    lastHandle = Math.max(lastHandle, space.handle);
  }

  /// Has a part hold an address space for those of its functions that may use it.
  ///
  /// @return what was added; empty if none of them may, or it was there
  private static Optional<ObjectNode> addTo(TenantPart part, Space space) {
    String handle = Integer.toString(space.handle);
    boolean wasThere = part.keys(Kind.ADDRESS_SPACE).contains(handle);
    Optional<ObjectNode> own = part.reduced(space.json, space.handle);
    if (own.isPresent()) {
      part.remove(Kind.ADDRESS_SPACE, handle);
      part.add(Kind.ADDRESS_SPACE, own.get());
    }
    return wasThere ? Optional.empty() : own;
  }

  /// Tells a process of the address spaces that its functions may use and it does not have.
  void extend(TenantProcess tenant) {
    spaces.values().forEach(space -> extend(tenant, space));
  }

  private static void extend(TenantProcess tenant, Space space) {
    Optional<ObjectNode> added = addTo(tenant.part(), space);
    if (added.isPresent() && tenant.pid().isPresent()) {
      try {
        tenant.execute(ControlCommand.ADDRESS_SPACE_ADD, added.get());
      } catch (ControlException e) {
        tenant.part().remove(Kind.ADDRESS_SPACE, Integer.toString(space.handle));
        throw e;
      }
    }
  }

  @Override
  int handle(Space space) {
    return space.handle;
  }

  @Override
  Reply.Space make(AddressSpaceConfig wanted, ControlArguments arguments) {
    Space made =
        new Space(wanted.handle().orElse(lastHandle + 1), wanted.name(), arguments.values());
    List<TenantProcess> having = new ArrayList<>();
    for (TenantProcess tenant : daemon.tenants()) {
      try {
        extend(tenant, made);
        having.add(tenant);
      } catch (ControlException e) {
        having.forEach(other -> drop(other, made.handle, false));
        throw e;
      }
    }
    keep(made);
    return new Reply.Space(
        made.handle,
        made.name,
        wanted
            .functions()
            .orElseGet(() ->
                daemon.tenants().stream().flatMap(t -> t.part().functions().stream()).toList()),
        Optional.empty());
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
                  ControlCommand.ADDRESS_SPACE_DEL,
                  JsonNodeFactory.instance.objectNode().put("space", handle).put("detach", detach))
              .path("detached")
              .asInt(0);
    }
    tenant.part().remove(Kind.ADDRESS_SPACE, Integer.toString(handle));
    return detached;
  }

  @Override
  Reply delete(Space space, boolean detach) {
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

  @Override
  List<Reply.Space> list() {
    Map<Integer, List<JsonNode>> told = new HashMap<>();
    daemon
        .askAll(ControlCommand.ADDRESS_SPACE_LIST, JsonNodeFactory.instance.objectNode())
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
}
