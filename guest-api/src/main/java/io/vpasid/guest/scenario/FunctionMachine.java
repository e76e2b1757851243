package io.vpasid.guest.scenario;

import io.vpasid.synth.Synthesis;
import io.vpasid.vmm.FunctionEvent;
import io.vpasid.vmm.PasidControl;
import io.vpasid.vmm.PassthroughFunction;
import io.vpasid.vmm.iommufd.HwptId;
import io.vpasid.vmm.iommufd.IommufdBackend;
import io.vpasid.vmm.iommufd.IommufdException;
import io.vpasid.vmm.iommufd.PageTableId;
import io.vpasid.vmm.iommufd.Pasid;
import io.vpasid.vmm.pasid.AttachOutcome;
import io.vpasid.vmm.pasid.Attachment;
import io.vpasid.vmm.pasid.DetachOutcome;
import io.vpasid.vmm.pasid.PasidOutcome;
import io.vpasid.vmm.pasid.Refused;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentLinkedQueue;

/// A machine in this process whose guest has a [PassthroughFunction]. What its host has attached,
/// and whether that can be made to fail, depends on the host.
public abstract class FunctionMachine implements Machine {
  private final IommufdBackend iommufd;
  private final PassthroughFunction function;
  private final Map<String, HwptId> spaces = new HashMap<>();
  private final Map<PageTableId, String> names = new HashMap<>();

  /// The events, from whatever thread they came on.
  private final Queue<Event> events = new ConcurrentLinkedQueue<>();

  /// @param iommufd the context that `function` is bound to; both are closed with the machine
  protected FunctionMachine(IommufdBackend iommufd, PassthroughFunction function) {
    this.iommufd = iommufd;
    this.function = function;
    var _ = function.listen(this::happened);
  }

  private void happened(FunctionEvent event) {
    switch (event) {
      case FunctionEvent.PasidRequested(long _, Pasid pasid, PasidOutcome outcome) ->
          events.add(new Event(kindOf(outcome), pasid.value()));
      case FunctionEvent.ControlChanged(PasidControl control) ->
          events.add(new Event(control.enabled() ? EventKind.ENABLED : EventKind.DISABLED, 0));
      case FunctionEvent.FunctionAttached _,
          FunctionEvent.FunctionDetached _,
          FunctionEvent.RegistersReset _,
          FunctionEvent.RegisterWritten _ -> {
        // no event of a scenario
      }
    }
  }

  private static EventKind kindOf(PasidOutcome outcome) {
    return switch (outcome) {
      case AttachOutcome.Attached _ -> EventKind.ATTACHED;
      case AttachOutcome.Replaced _ -> EventKind.REPLACED;
      case DetachOutcome.Detached _ -> EventKind.DETACHED;
      case Refused _ -> EventKind.REFUSED;
    };
  }

  /// The page table of an address space, made when the space is first named.
  ///
  /// @throws IommufdException if the kernel does not make it
  protected final HwptId space(String name) {
    return spaces.computeIfAbsent(
        name,
        _ -> {
          HwptId made = function.newPageTable(iommufd.ioasAlloc());
          names.put(made, name);
          return made;
        });
  }

  /// The name of the address space that a page table is of.
  protected final String nameOf(PageTableId pageTable) {
    return names.getOrDefault(pageTable, "page table " + pageTable.value());
  }

  @Override
  public final int read(int offset, int width) {
    return function.readConfig(offset, width);
  }

  @Override
  public final void write(int offset, int width, int value) {
    function.writeConfig(offset, width, value);
  }

  @Override
  public Answer attach(Pasid pasid, String space) {
    HwptId pageTable;
    try {
      // Without a vPASID there is nothing to make a page table for, and every PASID is refused.
      pageTable = function.synthesis() instanceof Synthesis ? space(space) : HwptId.NONE;
    } catch (IommufdException e) {
      return refused(e);
    }
    return switch (function.attachPasid(pasid, pageTable)) {
      case AttachOutcome.Attached _ -> Answer.done("");
      case AttachOutcome.Replaced r -> Answer.done(nameOf(r.previous()));
      case Refused r -> refused(r);
    };
  }

  @Override
  public final Answer detach(Pasid pasid) {
    return switch (function.detachPasid(pasid)) {
      case DetachOutcome.Detached d -> Answer.done(nameOf(d.previous()));
      case DetachOutcome.NotAttached _ -> Answer.done("");
      case Refused r -> refused(r);
    };
  }

  private static Answer refused(Refused refused) {
    return Answer.refused(refused.reason().errno(), refused.reason().text());
  }

  private static Answer refused(IommufdException reason) {
    return Answer.refused(reason.errno(), String.valueOf(reason.getMessage()));
  }

  @Override
  public final Answer reset() {
    try {
      function.reset();
      return Answer.done("");
    } catch (IommufdException e) {
      return refused(e);
    }
  }

  @Override
  public void unplug() {
    function.close();
  }

  @Override
  public final SortedMap<Integer, String> attached() {
    SortedMap<Integer, String> attached = new TreeMap<>();
    for (Attachment attachment : function.attachments().snapshot()) {
      attached.put(attachment.pasid().value(), nameOf(attachment.pageTable()));
    }
    return attached;
  }

  @Override
  public final List<Event> takeEvents() {
    List<Event> taken = new ArrayList<>();
    for (Event event = events.poll(); event != null; event = events.poll()) {
      taken.add(event);
    }
    return taken;
  }

  @Override
  public void close() {
    function.close();
    iommufd.close();
  }
}
