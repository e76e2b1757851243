package io.vpasid.guest.config;

import io.vpasid.synth.json.Fields;
import io.vpasid.synth.json.Key;
import io.vpasid.synth.json.Shape;
import java.util.Optional;

/// The settings of the process that serves a tenant's functions, where each tenant has one.
///
/// @param name of the tenant
/// @param user id of the user whose process it is; empty for that of the daemon
/// @param group id of the process's group; empty for that of the daemon
/// @param heap bytes of its Java heap at most; empty for what its functions need
/// @param memory bytes of all its memory at most, which the kernel enforces; empty for no limit
public record TenantConfig(
    String name,
    Optional<Integer> user,
    Optional<Integer> group,
    Optional<Long> heap,
    Optional<Long> memory) {

  static final Key<String> NAME =
      Key.of("name", FunctionKeys.NAME_FORM, "The \"tenant\" of its functions.")
          .required("add one");
  private static final Key<Integer> USER =
      Key.of(
          "user",
          SocketAccess.ID,
          "Id of the user whose process it is, which takes root. The folders of its sockets, and what"
              + " it passes through, must be that user's.");
  private static final Key<Integer> GROUP =
      Key.of("group", SocketAccess.ID, "Id of the process's group, which takes root.");
  private static final Key<Long> HEAP =
      Key.of(
          "heap",
          Limits.size("64M"),
          "Most bytes of its Java heap, 16M or more. Without it, 48M and 1M for each function.");
  private static final Key<Long> MEMORY =
      Key.of(
          "memory",
          Limits.size("256M"),
          "Most bytes of all its memory, by a cgroup (memory.max), where systemd delegates them.");

  /// The keys of a tenant.
  static final Shape SHAPE = Shape.of("a tenant", NAME, USER, GROUP, HEAP, MEMORY).calledBy(NAME);

  private static final long LEAST_HEAP = 16 << 20;

  /// A tenant of whom the configuration says nothing.
  public static TenantConfig usual(String name) {
    return new TenantConfig(
        name, Optional.empty(), Optional.empty(), Optional.empty(), Optional.empty());
  }

  static TenantConfig read(Fields tenant) {
    Optional<Long> heap = tenant.find(HEAP);
    if (heap.isPresent() && heap.get() < LEAST_HEAP) {
      throw tenant.wrong(HEAP, "\"heap\" must be 16M or more");
    }
    return new TenantConfig(
        tenant.get(NAME), tenant.find(USER), tenant.find(GROUP), heap, tenant.find(MEMORY));
  }
}
