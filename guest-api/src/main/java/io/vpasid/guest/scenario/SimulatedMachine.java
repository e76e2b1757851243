package io.vpasid.guest.scenario;

import io.vpasid.guest.function.EmulatedHardware;
import io.vpasid.pci.PciAddress;
import io.vpasid.synth.SynthesisResult;
import io.vpasid.synth.quirk.FunctionKind;
import io.vpasid.vmm.PasidControl;
import io.vpasid.vmm.PassthroughFunction;
import io.vpasid.vmm.iommufd.Errno;
import io.vpasid.vmm.iommufd.HwptFlag;
import io.vpasid.vmm.iommufd.HwptId;
import io.vpasid.vmm.iommufd.HwptRequest;
import io.vpasid.vmm.iommufd.IommufdBackend;
import io.vpasid.vmm.iommufd.IommufdException;
import io.vpasid.vmm.iommufd.PageTableId;
import io.vpasid.vmm.iommufd.Pasid;
import io.vpasid.vmm.iommufd.simulated.Request;
import io.vpasid.vmm.iommufd.simulated.SimulatedDevice;
import io.vpasid.vmm.iommufd.simulated.SimulatedHost;
import io.vpasid.vmm.pasid.AttachOutcome;
import io.vpasid.vmm.pasid.Attachment;
import io.vpasid.vmm.pasid.DetachOutcome;
import io.vpasid.vmm.pasid.PasidEvent;
import io.vpasid.vmm.pasid.Refused;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/// A machine in this process: a function that is passed through from a simulated host.
final class SimulatedMachine implements Machine {
  /// What is attached where there is no vPASID, and so nothing to make a page table for.
  private static final HwptId NO_PAGE_TABLE = new HwptId(0);

  private final SimulatedHost host;
  private final IommufdBackend iommufd;
  private final PassthroughFunction function;
  private final PciAddress address;
  private final Map<String, HwptId> spaces = new HashMap<>();
  private final Map<PageTableId, String> names = new HashMap<>();
  private final List<Event> events = new ArrayList<>();
  private final boolean isShown;
  private boolean planned;

  /// @param index which guest of the scenario it is, from 0; each has a function of its own
  SimulatedMachine(Setup setup, int index) {
    PciAddress captured = setup.function().address();
    address =
        new PciAddress(
            captured.domain() + index, captured.bus(), captured.device(), captured.function());
    boolean isVirtual = setup.options().kind() == FunctionKind.VIRTUAL;
    EmulatedHardware hardware = EmulatedHardware.of(setup.function(), isVirtual);
    SimulatedDevice device =
        SimulatedDevice.at(address)
            .reporting(setup.hardware())
            .config(hardware.config())
            .onReset(hardware::reset);
    host =
        SimulatedHost.builder()
            .iommu(setup.iommu())
            .kernel(setup.kernel())
            .device(isVirtual ? device.virtualFunction() : device)
            .build();
    iommufd = host.open();
    function = PassthroughFunction.open(iommufd, address, setup.options());
    isShown = function.synthesis() instanceof SynthesisResult.Synthesized;
    function.attachments().listen(this::happened);
    function.listenToControl(this::controlChanged);
  }

  private HwptId space(String name) {
    return spaces.computeIfAbsent(
        name,
        _ -> {
          HwptId made =
              iommufd.hwptAlloc(
                  HwptRequest.paging(function.device().id(), iommufd.ioasAlloc())
                      .with(HwptFlag.PASID));
          names.put(made, name);
          return made;
        });
  }

  private void happened(PasidEvent event) {
    EventKind kind =
        switch (event) {
          case PasidEvent.Attached _ -> EventKind.ATTACHED;
          case PasidEvent.Replaced _ -> EventKind.REPLACED;
          case PasidEvent.Detached _ -> EventKind.DETACHED;
          case PasidEvent.Refused _ -> EventKind.REFUSED;
        };
    events.add(new Event(kind, event.pasid().value()));
  }

  private void controlChanged(PasidControl control) {
    events.add(new Event(control.enabled() ? EventKind.ENABLED : EventKind.DISABLED, 0));
  }

  @Override
  public int read(int offset, int width) {
    return function.readConfig(offset, width);
  }

  @Override
  public void write(int offset, int width, int value) {
    function.writeConfig(offset, width, value);
  }

  @Override
  public Answer attach(Pasid pasid, String space) {
    HwptId pageTable;
    try {
      pageTable = isShown ? space(space) : NO_PAGE_TABLE;
    } catch (IommufdException e) {
      return Answer.refused(e.errno(), String.valueOf(e.getMessage()));
    }
    return switch (function.attachPasid(pasid, pageTable)) {
      case AttachOutcome.Attached _ -> Answer.done("");
      case AttachOutcome.Replaced r -> Answer.done(nameOf(r.previous()));
      case Refused r -> refused(r);
    };
  }

  @Override
  public Answer detach(Pasid pasid) {
    return switch (function.detachPasid(pasid)) {
      case DetachOutcome.Detached d -> Answer.done(nameOf(d.previous()));
      case DetachOutcome.NotAttached _ -> Answer.done("");
      case Refused r -> refused(r);
    };
  }

  private static Answer refused(Refused refused) {
    return Answer.refused(refused.reason().errno(), refused.reason().text());
  }

  private String nameOf(PageTableId pageTable) {
    return names.getOrDefault(pageTable, "page table " + pageTable.value());
  }

  @Override
  public Answer reset() {
    try {
      function.reset();
      return Answer.done("");
    } catch (IommufdException e) {
      return Answer.refused(e.errno(), String.valueOf(e.getMessage()));
    }
  }

  @Override
  public void unplug() {
    function.close();
  }

  @Override
  public SortedMap<Integer, String> attached() {
    SortedMap<Integer, String> attached = new TreeMap<>();
    for (Attachment attachment : function.attachments().snapshot()) {
      attached.put(attachment.pasid().value(), nameOf(attachment.pageTable()));
    }
    return attached;
  }

  @Override
  public SortedMap<Integer, String> attachedOnHost() {
    SortedMap<Integer, String> attached = new TreeMap<>();
    for (Pasid pasid : host.attachedPasids(address)) {
      attached.put(
          pasid.value(), host.attachment(address, pasid).map(this::nameOf).orElse("nothing"));
    }
    return attached;
  }

  @Override
  public List<Event> takeEvents() {
    List<Event> taken = List.copyOf(events);
    events.clear();
    return taken;
  }

  @Override
  public void fail(Request request, Errno errno, boolean every) {
    if (every) {
      host.failures().failEvery(request, errno);
    } else {
      host.failures().failNext(request, errno);
    }
  }

  @Override
  public boolean failNth(int number, Errno errno) {
    boolean failed = planned && host.failures().callsPlanned() == 0;
    host.failures().clear();
    planned = number > 0;
    if (planned) {
      host.failures().failCall(number, errno);
    }
    return failed;
  }

  @Override
  public void close() {
    function.close();
    iommufd.close();
  }
}
