package io.vpasid.guest.daemon;

import io.vpasid.guest.control.ControlEvent;
import io.vpasid.guest.vfiouser.VfioUserPeer;
import io.vpasid.vmm.FunctionEvent;
import io.vpasid.vmm.PasidControl;
import io.vpasid.vmm.iommufd.PageTableId;
import io.vpasid.vmm.iommufd.Pasid;
import io.vpasid.vmm.pasid.AttachOutcome;
import io.vpasid.vmm.pasid.DetachOutcome;
import io.vpasid.vmm.pasid.PasidOutcome;
import io.vpasid.vmm.pasid.Refused;
import java.util.Optional;
import org.slf4j.event.Level;

/// The events of a daemon: its log and its control clients hear of everything that happens, and
/// what happens to a function is counted.
final class DaemonEvents {
  private final Daemon daemon;

  DaemonEvents(Daemon daemon) {
    this.daemon = daemon;
  }

  /// Tells what happens to a function from now on.
  void listenTo(ServedFunction served) {
    served.device().listenToClient(client -> clientChanged(served, client));
    var _ = served.function().listen(event -> happened(served, event));
  }

  private void clientChanged(ServedFunction served, Optional<VfioUserPeer> client) {
    if (client.isPresent()) {
      served.counters().clients().increment();
      tell(
          ControlEvent.CLIENT_CONNECTED,
          of(served).and("uid", client.get().userId()).and("pid", client.get().processId()));
    } else {
      tell(ControlEvent.CLIENT_DISCONNECTED, of(served));
    }
  }

  private static EventData of(ServedFunction served) {
    return EventData.of("function", served.name());
  }

  private void happened(ServedFunction served, FunctionEvent event) {
    switch (event) {
      case FunctionEvent.PasidRequested(long _, Pasid pasid, PasidOutcome outcome) ->
          answered(served, pasid, outcome);
      case FunctionEvent.FunctionAttached _ -> tell(ControlEvent.FUNCTION_ATTACHED, of(served));
      case FunctionEvent.FunctionDetached _ -> tell(ControlEvent.FUNCTION_DETACHED, of(served));
      case FunctionEvent.ControlChanged(PasidControl control) when control.enabled() ->
          tell(
              ControlEvent.PASID_ENABLED,
              of(served).and("exec", control.exec()).and("priv", control.priv()));
      case FunctionEvent.ControlChanged _ -> tell(ControlEvent.PASID_DISABLED, of(served));
      case FunctionEvent.RegistersReset _ -> {
        served.counters().resets().increment();
        tell(ControlEvent.FUNCTION_RESET, of(served));
      }
      case FunctionEvent.RegisterWritten _ -> {
        // the mailbox's business
      }
    }
  }

  private void answered(ServedFunction served, Pasid pasid, PasidOutcome outcome) {
    EventData data = of(served).and("pasid", Integer.toUnsignedLong(pasid.value()));
    switch (outcome) {
      case AttachOutcome.Attached attached -> {
        served.counters().attached().increment();
        tell(ControlEvent.PASID_ATTACHED, data.and("space", spaceOf(served, attached.pageTable())));
      }
      case AttachOutcome.Replaced replaced -> {
        served.counters().attached().increment();
        tell(
            ControlEvent.PASID_ATTACHED,
            data.and("space", spaceOf(served, replaced.pageTable()))
                .and("replaced", true)
                .and("previous", spaceOf(served, replaced.previous())));
      }
      case DetachOutcome.Detached detached -> {
        served.counters().detached().increment();
        tell(ControlEvent.PASID_DETACHED, data.and("space", spaceOf(served, detached.previous())));
      }
      case Refused refused -> {
        served.counters().refused().increment();
        tell(
            ControlEvent.PASID_REFUSED,
            data.and("errno", refused.reason().errno().name())
                .and("reason", refused.reason().text()));
      }
    }
  }

  /// The handle of the address space that a page table is.
  private Optional<Integer> spaceOf(ServedFunction served, PageTableId pageTable) {
    return daemon.spaces().handleOf(served, pageTable);
  }

  /// Tells the control clients, who looks at the page, and the log.
  void tell(ControlEvent event, EventData data) {
    daemon.tell(levelOf(event), event, data);
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
