package io.vpasid.vmm.frontend.nested;

import io.vpasid.vmm.PassthroughFunction;
import io.vpasid.vmm.frontend.vtd.SourceId;
import io.vpasid.vmm.iommufd.DeviceId;
import java.util.HashMap;
import java.util.Map;

/// A function whose page tables a guest decides on, and its requesters.
final class GuestFunction {
  private final SourceId id;
  private final PassthroughFunction function;

  /// By PASID, 0 for the function itself.
  private final Map<Integer, RequesterState> requesters = new HashMap<>();

  private final SpareTables spares = new SpareTables();

  GuestFunction(SourceId id, PassthroughFunction function) {
    this.id = id;
    this.function = function;
  }

  SourceId id() {
    return id;
  }

  PassthroughFunction function() {
    return function;
  }

  DeviceId device() {
    return function.device().id();
  }

  Map<Integer, RequesterState> requesters() {
    return requesters;
  }

  /// Nested page tables that nothing is attached to.
  SpareTables spares() {
    return spares;
  }
}
