package io.vpasid.vmm.frontend.nested;

import io.vpasid.vmm.PassthroughFunction;
import io.vpasid.vmm.frontend.vtd.Requester;
import io.vpasid.vmm.frontend.vtd.SourceId;
import io.vpasid.vmm.iommufd.DeviceId;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// A function whose page tables a guest decides on, and its requesters.
final class GuestFunction {
  private final SourceId id;
  private final PassthroughFunction function;

  /// Up to so many requesters, those without an entry are kept: PASIDs come back.
  private static final int KEPT = 64;

  /// By PASID, 0 for the function itself.
  private final Map<Integer, RequesterState> requesters = new HashMap<>();

  /// The one that was asked for last: what has come often goes next.
  private @Nullable RequesterState recent;

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

  /// By PASID, 0 for the function itself; some may be of an entry that is gone.
  Map<Integer, RequesterState> requesters() {
    return requesters;
  }

  /// The state of a requester, which has had no entry if it is new.
  RequesterState requester(Requester requester) {
    int pasid = requester.pasid();
    RequesterState state = recent;
    if (state == null || state.pasid() != pasid) {
      state = requesters.computeIfAbsent(pasid, _ -> new RequesterState(this, requester));
      recent = state;
    }
    return state;
  }

  /// The entry of a requester is gone, and nothing is attached.
  void gone(RequesterState state) {
    if (requesters.size() > KEPT) {
      requesters.remove(state.pasid());
      recent = null;
    }
  }

  /// Nested page tables that nothing is attached to.
  SpareTables spares() {
    return spares;
  }
}
