package io.vpasid.it.contract;

import io.vpasid.guest.emulator.ConfigPort;
import io.vpasid.guest.emulator.IommuPort;
import io.vpasid.guest.emulator.MailboxDriver;
import io.vpasid.guest.emulator.vtd.PageTable;
import io.vpasid.guest.emulator.vtd.VtdDriver;
import io.vpasid.guest.iommu.VirtualIommu;
import io.vpasid.pci.PciAddress;
import io.vpasid.synth.Synthesis;
import io.vpasid.vmm.FunctionOptions;
import io.vpasid.vmm.PassthroughFunction;
import io.vpasid.vmm.frontend.GuestMemory;
import io.vpasid.vmm.frontend.MappedGuestMemory;
import io.vpasid.vmm.frontend.mailbox.RequestMailbox;
import io.vpasid.vmm.frontend.mailbox.RequestWorkers;
import io.vpasid.vmm.frontend.nested.TranslationMode;
import io.vpasid.vmm.frontend.vtd.VtdUnit;
import io.vpasid.vmm.iommufd.BackendOptions;
import io.vpasid.vmm.iommufd.HwptId;
import io.vpasid.vmm.iommufd.IoasId;
import io.vpasid.vmm.iommufd.IommufdBackend;
import io.vpasid.vmm.iommufd.IovaAccess;
import io.vpasid.vmm.iommufd.Pasid;
import io.vpasid.vmm.iommufd.kernel.KernelProvider;
import io.vpasid.vmm.pasid.AddressSpaces;
import io.vpasid.vmm.pasid.AttachOutcome;
import io.vpasid.vmm.pasid.DetachOutcome;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/// The whole life of a function's attachments, from the open of iommufd to its close, which tells
/// of each step before it takes it.
final class KilledLife {
  /// PASIDs of a life, from 1 on.
  static final int PASIDS = 4;

  static final FunctionOptions OPTIONS =
      FunctionOptions.defaults()
          .withFurther(List.of(RequestMailbox.capability(RequestMailbox.DEFAULT_VENDOR)));

  private static final PciAddress PLACE = new PciAddress(0, 0, IommuPort.DEVICE, 0);

  /// As much memory as the driver needs for its tables.
  private static final long MEMORY = 2 << 20;

  private static final long IOVA = 0x40_0000;
  private static final int PAGES = 8;

  /// Who asks for the attachments.
  enum Way {
    /// The VMM itself.
    REQUESTS,
    /// The guest, through the mailbox, whose worker attaches.
    MAILBOX,
    /// The guest, by the tables of a virtual IOMMU, whose worker attaches.
    VIRTUAL_IOMMU
  }

  /// The steps of a life, each with one request to the kernel or several.
  enum Step {
    /// Between two lives.
    NONE,
    OPEN_IOMMUFD,
    MAP_MEMORY,
    BIND,
    ATTACH_FUNCTION,
    ALLOCATE_PAGE_TABLES,
    ATTACH_PASIDS,
    REPLACE_PASIDS,
    RESET,
    DETACH_PASIDS,
    DETACH_FUNCTION,
    MAILBOX_ATTACH,
    MAILBOX_REPLACE,
    MAILBOX_RESET,
    MAILBOX_DETACH,
    IOMMU_COVER,
    IOMMU_ADD_MEMORY,
    IOMMU_ENABLE,
    IOMMU_BIND_PASIDS,
    IOMMU_MAP,
    IOMMU_REBIND_PASIDS,
    IOMMU_UNMAP,
    IOMMU_UNBIND_PASIDS,
    IOMMU_DISABLE,
    IOMMU_CLOSE,
    CLOSE_FUNCTION,
    DESTROY_MEMORY,
    CLOSE_IOMMUFD;

    /// How it stands in a file that only processes of one build share.
    @SuppressWarnings("EnumOrdinal")
    byte code() {
      return (byte) ordinal();
    }

    @SuppressWarnings("EnumOrdinal")
    static Step of(int code) {
      return values()[code];
    }
  }

  private final Consumer<Step> steps;
  private final IommufdBackend iommufd;

  private KilledLife(IommufdBackend iommufd, Consumer<Step> steps) {
    this.iommufd = iommufd;
    this.steps = steps;
  }

  /// Lives.
  ///
  /// @param steps is told each step before it begins, by the caller's thread
  static void live(PciAddress address, Way way, Consumer<Step> steps) {
    steps.accept(Step.OPEN_IOMMUFD);
    try (Arena arena = Arena.ofShared();
        IommufdBackend iommufd = new KernelProvider().open(BackendOptions.DEFAULTS)) {
      new KilledLife(iommufd, steps).live(address, way, arena.allocate(MEMORY, 4096));
      steps.accept(Step.CLOSE_IOMMUFD);
    }
    steps.accept(Step.NONE);
  }

  private void live(PciAddress address, Way way, MemorySegment ram) {
    if (way == Way.VIRTUAL_IOMMU) {
      behindIommu(address, ram);
      return;
    }
    steps.accept(Step.MAP_MEMORY);
    IoasId memory = iommufd.ioasAlloc();
    iommufd.mapAt(memory, 0, ram, IovaAccess.READ_WRITE);
    // The workers of a mailbox outlive its function.
    try (RequestWorkers workers = RequestWorkers.open();
        PassthroughFunction function = open(address)) {
      steps.accept(Step.ATTACH_FUNCTION);
      function.attach(memory);
      steps.accept(Step.ALLOCATE_PAGE_TABLES);
      HwptId first = function.newPageTable(memory);
      HwptId second = function.newPageTable(memory);
      enable(function);
      if (way == Way.MAILBOX) {
        byMailbox(function, workers, first, second);
      } else {
        byRequests(function, first, second);
      }
      steps.accept(Step.DETACH_FUNCTION);
      function.detach();
      steps.accept(Step.CLOSE_FUNCTION); // with half of the PASIDs still attached
    }
    steps.accept(Step.DESTROY_MEMORY);
    iommufd.destroy(memory);
  }

  private PassthroughFunction open(PciAddress address) {
    steps.accept(Step.BIND);
    return PassthroughFunction.open(iommufd, address, OPTIONS);
  }

  /// What the guest does before all else.
  private static void enable(PassthroughFunction function) {
    function.writeConfig(((Synthesis) function.synthesis()).registers() + 2, 2, 1);
  }

  private void byRequests(PassthroughFunction function, HwptId first, HwptId second) {
    steps.accept(Step.ATTACH_PASIDS);
    for (int pasid = 1; pasid <= PASIDS; pasid++) {
      require(
          function.attachPasid(new Pasid(pasid), first) instanceof AttachOutcome.Attached, pasid);
    }
    steps.accept(Step.REPLACE_PASIDS);
    for (int pasid = 1; pasid <= PASIDS; pasid++) {
      require(
          function.attachPasid(new Pasid(pasid), second) instanceof AttachOutcome.Replaced, pasid);
    }
    steps.accept(Step.RESET);
    function.reset();
    steps.accept(Step.DETACH_PASIDS);
    for (int pasid = 1; pasid <= PASIDS / 2; pasid++) {
      require(function.detachPasid(new Pasid(pasid)) instanceof DetachOutcome.Detached, pasid);
    }
  }

  private void byMailbox(
      PassthroughFunction function, RequestWorkers workers, HwptId first, HwptId second) {
    AddressSpaces spaces = new AddressSpaces();
    int one = granted(spaces, "first", function, first);
    int other = granted(spaces, "second", function, second);
    var _ = RequestMailbox.serve(function, spaces, workers).orElseThrow();
    MailboxDriver guest = MailboxDriver.find(new Registers(function)).orElseThrow();
    steps.accept(Step.MAILBOX_ATTACH);
    for (int pasid = 1; pasid <= PASIDS; pasid++) {
      require(guest.attach(pasid, one).errno() == 0, pasid);
    }
    steps.accept(Step.MAILBOX_REPLACE);
    for (int pasid = 1; pasid <= PASIDS; pasid++) {
      require(guest.attach(pasid, other).errno() == 0, pasid);
      require(guest.query(pasid).result() == other, pasid);
    }
    steps.accept(Step.MAILBOX_RESET);
    function.reset();
    enable(function);
    steps.accept(Step.MAILBOX_DETACH);
    for (int pasid = 1; pasid <= PASIDS / 2; pasid++) {
      require(guest.detach(pasid).errno() == 0, pasid);
    }
  }

  private static int granted(
      AddressSpaces spaces, String name, PassthroughFunction function, HwptId pageTable) {
    int handle = spaces.add(name).orElseThrow().handle();
    var _ = spaces.grant(handle, function.address(), pageTable).orElseThrow();
    return handle;
  }

  private void behindIommu(PciAddress address, MemorySegment ram) {
    try (PassthroughFunction function = open(address)) {
      enable(function);
      steps.accept(Step.IOMMU_COVER);
      try (VirtualIommu iommu =
          VirtualIommu.open(
              iommufd,
              List.of(new VirtualIommu.Covered(PLACE, function, Optional::empty)),
              Optional.of(TranslationMode.Kind.SHADOW))) {
        steps.accept(Step.IOMMU_ADD_MEMORY);
        iommu.addMemory(0, ram);
        byTables(
            function,
            new VtdDriver(
                new Unit(MappedGuestMemory.of(new MappedGuestMemory.Range(0, ram)), iommu.unit())));
        steps.accept(Step.IOMMU_CLOSE);
      }
      steps.accept(Step.CLOSE_FUNCTION);
    }
  }

  private void byTables(PassthroughFunction function, VtdDriver guest) {
    steps.accept(Step.IOMMU_ENABLE);
    guest.passThrough(0);
    guest.enable();
    steps.accept(Step.IOMMU_BIND_PASIDS);
    PageTable first = guest.newPageTable();
    map(first, 0);
    for (int pasid = 1; pasid <= PASIDS; pasid++) {
      bind(guest, pasid, first);
    }
    requireAttached(function, PASIDS);
    steps.accept(Step.IOMMU_MAP);
    map(first, PAGES);
    guest.tellMapped(first);
    guest.finish();
    steps.accept(Step.IOMMU_REBIND_PASIDS);
    PageTable second = guest.newPageTable();
    map(second, 0);
    for (int pasid = 1; pasid <= PASIDS; pasid++) {
      bind(guest, pasid, second);
    }
    requireAttached(function, PASIDS);
    steps.accept(Step.IOMMU_UNMAP);
    for (int page = 0; page < PAGES; page++) {
      second.unmap(IOVA + page * 4096L);
    }
    for (int pasid = 1; pasid <= PASIDS; pasid++) {
      guest.tellUnmapped(second, pasid);
    }
    guest.finish();
    steps.accept(Step.IOMMU_UNBIND_PASIDS);
    for (int pasid = 1; pasid <= PASIDS / 2; pasid++) {
      guest.unbind(pasid);
      guest.tellChanged(pasid, Optional.of(second));
      guest.finish();
    }
    requireAttached(function, PASIDS - PASIDS / 2);
    steps.accept(Step.IOMMU_DISABLE);
    guest.disable();
  }

  private static void map(PageTable table, int from) {
    for (int page = from; page < from + PAGES; page++) {
      table.map(IOVA + page * 4096L, true);
    }
  }

  private static void bind(VtdDriver guest, int pasid, PageTable table) {
    guest.bind(pasid, table);
    guest.tellChanged(pasid, Optional.of(table));
    guest.finish();
  }

  private static void requireAttached(PassthroughFunction function, int pasids) {
    require(function.attachments().snapshot().size() == pasids, pasids);
  }

  private static void require(boolean holds, int pasid) {
    if (!holds) {
      throw new IllegalStateException("PASID " + pasid + " is not as it has to be");
    }
  }

  /// The guest's way to its function.
  private record Registers(PassthroughFunction function) implements ConfigPort {
    @Override
    public int read(int offset, int width) {
      return function.readConfig(offset, width);
    }

    @Override
    public void write(int offset, int width, int value) {
      function.writeConfig(offset, width, value);
    }
  }

  /// The guest's way to its IOMMU. The function has no registers that a driver of the IOMMU uses.
  private record Unit(GuestMemory memory, VtdUnit unit) implements IommuPort {
    @Override
    public long readRegister(int offset, int width) {
      return unit.readRegister(offset, width);
    }

    @Override
    public void writeRegister(int offset, int width, long value) {
      unit.writeRegister(offset, width, value);
    }

    @Override
    public long readBar(int bar, int offset, int width) {
      throw new UnsupportedOperationException();
    }

    @Override
    public void writeBar(int bar, int offset, int width, long value) {
      throw new UnsupportedOperationException();
    }
  }
}
