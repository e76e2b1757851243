package io.vpasid.it.realkernel;

import io.vpasid.guest.scenario.ImpossibleException;
import io.vpasid.guest.scenario.Machine;
import io.vpasid.guest.scenario.Setup;
import io.vpasid.pci.PciAddress;
import io.vpasid.pci.dump.SysfsDevice;
import io.vpasid.vmm.PasidControl;
import io.vpasid.vmm.PassthroughFunction;
import io.vpasid.vmm.iommufd.BackendOptions;
import io.vpasid.vmm.iommufd.Errno;
import io.vpasid.vmm.iommufd.HwptFlag;
import io.vpasid.vmm.iommufd.HwptId;
import io.vpasid.vmm.iommufd.HwptRequest;
import io.vpasid.vmm.iommufd.IommufdBackend;
import io.vpasid.vmm.iommufd.IommufdException;
import io.vpasid.vmm.iommufd.PageTableId;
import io.vpasid.vmm.iommufd.Pasid;
import io.vpasid.vmm.iommufd.kernel.KernelProvider;
import io.vpasid.vmm.iommufd.simulated.Request;
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

/// What a scenario's guest has where the host is the Linux that this runs in: the function of the
/// scenario, which has to be one of this machine's, behind a real iommufd.
///
/// What the host has attached, the tables of its IOMMU say.
final class LinuxMachine implements Machine {
  private final IommufdBackend iommufd;
  private final PassthroughFunction function;
  private final IommuTables tables;
  private final Map<String, HwptId> spaces = new HashMap<>();
  private final Map<PageTableId, String> names = new HashMap<>();

  /// Names of address spaces, by the address of their page table, which is learnt when a PASID is
  /// attached to one for the first time.
  private final Map<String, String> namesInTables = new HashMap<>();

  private final List<Event> events = new ArrayList<>();

  /// @param guest which guest of the scenario it is for; only the first has a function
  /// @throws ImpossibleException if this machine is not such a host, or has no such function
  LinuxMachine(Setup setup, int guest) {
    if (guest > 0) {
      throw new ImpossibleException(
          "there is one such function, and guest " + guest + " wants one");
    }
    if (!ScenarioFunctions.isHostOf(setup)) {
      throw new ImpossibleException(
          "the host has an Intel IOMMU and Linux 7.3, not "
              + setup.iommu().vendor()
              + " and Linux "
              + setup.kernel());
    }
    iommufd = new KernelProvider().open(BackendOptions.DEFAULTS);
    try {
      function = open(setup);
    } catch (RuntimeException e) {
      iommufd.close();
      throw e;
    }
    tables = new IommuTables(function.address());
    function.device().attach(space("the function itself"));
    function.attachments().listen(this::happened);
    function.listenToControl(this::controlChanged);
  }

  /// Opens the function of this machine that plays the scenario's: it has the same id, and the host
  /// reports the same of it.
  private PassthroughFunction open(Setup setup) {
    for (PciAddress address : SysfsDevice.list()) {
      SysfsDevice device = SysfsDevice.of(address);
      if (device.driver().filter("vfio-pci"::equals).isPresent()
          && device.function().id().equals(setup.function().captured().id())) {
        PassthroughFunction opened = PassthroughFunction.open(iommufd, address, setup.options());
        if (opened.hardware().equals(setup.hardware())) {
          return opened;
        }
        opened.close();
      }
    }
    throw new ImpossibleException(
        "the machine has no "
            + setup.function().captured().id()
            + " of which IOMMU_GET_HW_INFO reports "
            + setup.hardware());
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
    return switch (function.attachPasid(pasid, space(space))) {
      case AttachOutcome.Attached _ -> {
        learn(pasid, space);
        yield Answer.done("");
      }
      case AttachOutcome.Replaced r -> {
        learn(pasid, space);
        yield Answer.done(nameOf(r.previous()));
      }
      case Refused r -> refused(r);
    };
  }

  private void learn(Pasid pasid, String space) {
    if (!namesInTables.containsValue(space)) {
      tables.pageTable(pasid.value()).ifPresent(table -> namesInTables.putIfAbsent(table, space));
    }
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
    for (int pasid : tables.pasids()) {
      String table = tables.pageTable(pasid).orElse("none");
      attached.put(pasid, namesInTables.getOrDefault(table, "page table at " + table));
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
    throw new ImpossibleException("the kernel is a real one, and does not fail on demand");
  }

  @Override
  public boolean failNth(int number, Errno errno) {
    throw new ImpossibleException("the kernel is a real one, and does not fail on demand");
  }

  @Override
  public void close() {
    function.close();
    iommufd.close();
  }
}
