package io.vpasid.guest.daemon;

import io.vpasid.guest.control.ControlEvent;
import io.vpasid.guest.control.ControlServer;
import io.vpasid.guest.vfiouser.VfioUserPeer;
import io.vpasid.vmm.FunctionEvent;
import io.vpasid.vmm.PasidControl;
import io.vpasid.vmm.iommufd.PageTableId;
import io.vpasid.vmm.iommufd.Pasid;
import io.vpasid.vmm.pasid.AttachOutcome;
import io.vpasid.vmm.pasid.DetachOutcome;
import io.vpasid.vmm.pasid.PasidOutcome;
import io.vpasid.vmm.pasid.Refused;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.event.Level;

/// The events of a daemon: its log and its control clients hear of everything that happens, and
/// what happens to a function is counted.
final class DaemonEvents {
  private final DaemonLog log;
  private final SharedSpaces spaces;
  private volatile @Nullable ControlServer control;
  private volatile @Nullable LivePage page;

  /// @param spaces have the handles by which page tables are told
  DaemonEvents(DaemonLog log, SharedSpaces spaces) {
    this.log = log;
    this.spaces = spaces;
  }

  /// From now on, tells the clients of `server` too.
  void sendThrough(ControlServer server) {
    control = server;
  }

  /// From now on, tells who looks at `live` too.
  void sendThrough(LivePage live) {
    page = live;
  }

  /// Tells what happens to a function from now on.
  void listenTo(ServedFunction served) {
    served.device().listenToClient(client -> clientChanged(served, client));
    var _ = served.function().listen(event -> happened(served, event));
  }

  private void clientChanged(ServedFunction served, Optional<VfioUserPeer> client) {
    Map<String, Object> data = Daemon.fields("function", served.name());
    if (client.isPresent()) {
      served.counters().clients().increment();
      data.put("uid", client.get().userId());
      data.put("pid", client.get().processId());
      tell(ControlEvent.CLIENT_CONNECTED, data);
    } else {
      tell(ControlEvent.CLIENT_DISCONNECTED, data);
    }
  }

  private void happened(ServedFunction served, FunctionEvent event) {
    switch (event) {
      case FunctionEvent.PasidRequested(long _, Pasid pasid, PasidOutcome outcome) ->
          answered(served, pasid, outcome);
      case FunctionEvent.FunctionAttached _ ->
          tell(ControlEvent.FUNCTION_ATTACHED, Daemon.fields("function", served.name()));
      case FunctionEvent.FunctionDetached _ ->
          tell(ControlEvent.FUNCTION_DETACHED, Daemon.fields("function", served.name()));
      case FunctionEvent.ControlChanged(PasidControl control) -> controlChanged(served, control);
      case FunctionEvent.RegistersReset _ -> wasReset(served);
      case FunctionEvent.RegisterWritten _ -> {
        // the mailbox's business
      }
    }
  }

  private void controlChanged(ServedFunction served, PasidControl changed) {
    if (changed.enabled()) {
      tell(
          ControlEvent.PASID_ENABLED,
          Daemon.fields("function", served.name(), "exec", changed.exec(), "priv", changed.priv()));
    } else {
      tell(ControlEvent.PASID_DISABLED, Daemon.fields("function", served.name()));
    }
  }

  private void wasReset(ServedFunction served) {
    served.counters().resets().increment();
    tell(ControlEvent.FUNCTION_RESET, Daemon.fields("function", served.name()));
  }

  private void answered(ServedFunction served, Pasid pasid, PasidOutcome outcome) {
    Map<String, Object> data =
        Daemon.fields("function", served.name(), "pasid", Integer.toUnsignedLong(pasid.value()));
    switch (outcome) {
      case AttachOutcome.Attached attached -> {
        served.counters().attached().increment();
        putSpace(data, "space", served, attached.pageTable());
        tell(ControlEvent.PASID_ATTACHED, data);
      }
      case AttachOutcome.Replaced replaced -> {
        served.counters().attached().increment();
        putSpace(data, "space", served, replaced.pageTable());
        data.put("replaced", true);
        putSpace(data, "previous", served, replaced.previous());
        tell(ControlEvent.PASID_ATTACHED, data);
      }
      case DetachOutcome.Detached detached -> {
        served.counters().detached().increment();
        putSpace(data, "space", served, detached.previous());
        tell(ControlEvent.PASID_DETACHED, data);
      }
      case Refused refused -> {
        served.counters().refused().increment();
        data.put("errno", refused.reason().errno().name());
        data.put("reason", refused.reason().text());
        tell(ControlEvent.PASID_REFUSED, data);
      }
    }
  }

  private void putSpace(
      Map<String, Object> data, String key, ServedFunction served, PageTableId pageTable) {
    spaces.handleOf(served, pageTable).ifPresent(handle -> data.put(key, handle));
  }

  /// Tells the control clients, who looks at the page, and the log.
  void tell(ControlEvent event, Map<String, Object> data) {
    log.say(levelOf(event), event.description(), data);
    ControlServer server = control;
    if (server != null) {
      server.tell(event, data);
    }
    LivePage live = page;
    if (live != null) {
      live.tell(event, data);
    }
  }

  private static Level levelOf(ControlEvent event) {
    return switch (event) {
      case PASID_ATTACHED,
          PASID_DETACHED,
          PASID_REFUSED,
          FUNCTION_ATTACHED,
          FUNCTION_DETACHED,
          IOMMU_ENTRY_APPLIED,
          IOMMU_ENTRY_GONE ->
          Level.DEBUG;
      case IOMMU_ENTRY_REFUSED -> Level.WARN;
      default -> Level.INFO;
    };
  }
}
