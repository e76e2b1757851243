package io.vpasid.vmm.frontend.nested;

import io.vpasid.pci.ConfigSpace;
import io.vpasid.pci.PciAddress;
import io.vpasid.pci.emulation.DeviceConfig;
import io.vpasid.synth.Synthesis;
import io.vpasid.vmm.FunctionOptions;
import io.vpasid.vmm.PassthroughFunction;
import io.vpasid.vmm.frontend.MappedGuestMemory;
import io.vpasid.vmm.frontend.vtd.EntryChange;
import io.vpasid.vmm.frontend.vtd.Fault;
import io.vpasid.vmm.frontend.vtd.FirstStageTable;
import io.vpasid.vmm.frontend.vtd.PageRequest;
import io.vpasid.vmm.frontend.vtd.Requester;
import io.vpasid.vmm.frontend.vtd.SecondStageTable;
import io.vpasid.vmm.frontend.vtd.SourceId;
import io.vpasid.vmm.frontend.vtd.Translation;
import io.vpasid.vmm.frontend.vtd.VtdReports;
import io.vpasid.vmm.iommufd.HwptId;
import io.vpasid.vmm.iommufd.HwptParentId;
import io.vpasid.vmm.iommufd.Invalidation;
import io.vpasid.vmm.iommufd.IoasId;
import io.vpasid.vmm.iommufd.IommufdBackend;
import io.vpasid.vmm.iommufd.IovaAccess;
import io.vpasid.vmm.iommufd.Pasid;
import io.vpasid.vmm.iommufd.simulated.HardwareChange;
import io.vpasid.vmm.iommufd.simulated.IommuProfile;
import io.vpasid.vmm.iommufd.simulated.SimulatedDevice;
import io.vpasid.vmm.iommufd.simulated.SimulatedHost;
import io.vpasid.vmm.iommufd.simulated.SimulatedIommufd;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntUnaryOperator;

/// A guest with 64 MiB of memory and one function with PASIDs on a simulated host, whose page
/// tables a test decides on as a unit would. Two more functions can be taken in.
final class GuestRig implements AutoCloseable {
  static final PciAddress ADDRESS = new PciAddress(0, 0x6a, 1, 0);
  static final SourceId FUNCTION = SourceId.of(ADDRESS);
  static final int MEMORY = 64 << 20;

  final List<HardwareChange> hardware = Collections.synchronizedList(new ArrayList<>());
  final List<RefusedEntry> refused = new ArrayList<>();

  /// What the guest's unit was told, as the unit's own reports.
  final List<Object> reported = Collections.synchronizedList(new ArrayList<>());

  /// The invalidations that the kernel was asked for, with their page table.
  final List<Sent> invalidations = new ArrayList<>();

  /// How many entries of an invalidation the kernel says it has handled.
  IntUnaryOperator handled = sent -> sent;

  PageRequest.Outcome pageOutcome = PageRequest.Outcome.QUEUED;

  final SimulatedHost host;
  final SimulatedIommufd iommufd;
  final IoasId ioas;
  final MemorySegment segment;
  final MappedGuestMemory memory;
  final GuestPageTables tables;
  final PassthroughFunction function;
  private final Arena arena = Arena.ofShared();
  private final List<PassthroughFunction> functions = new ArrayList<>();
  private final Map<Requester, Translation> told = new HashMap<>();
  private boolean pageRequests;

  record Sent(HwptId pageTable, List<Invalidation.VtdS1.Entry> entries) {}

  GuestRig(TranslationMode.Kind mode) {
    this(mode, Bounds.DEFAULT, FunctionOptions.defaults());
  }

  GuestRig(TranslationMode.Kind mode, Bounds bounds, FunctionOptions options) {
    host =
        SimulatedHost.builder()
            .iommu(IommuProfile.intel())
            .anyDevice(
                SimulatedDevice.at(ADDRESS)
                    .pasidWidth(20)
                    .config(DeviceConfig.readOnly(endpoint())))
            .observer(hardware::add)
            .build();
    iommufd = host.open();
    segment = arena.allocate(MEMORY, 4096);
    MappedGuestMemory.Range range = new MappedGuestMemory.Range(0, segment);
    memory = MappedGuestMemory.of(range);
    ioas = iommufd.ioasAlloc();
    iommufd.mapAt(ioas, 0, segment, IovaAccess.READ_WRITE);
    tables =
        new GuestPageTables(
            recording(),
            new GuestPageTables.Memory(memory, HostMemory.of(List.of(range)), ioas),
            mode,
            NestedFormat.VTD,
            bounds);
    tables.reportTo(new Reports());
    tables.listen(refused::add);
    function = cover(ADDRESS, options);
  }

  private final class Reports implements VtdReports {
    @Override
    public void attachRefused(Requester requester) {
      reported.add(requester);
    }

    @Override
    public void fault(Fault fault) {
      reported.add(fault);
    }

    @Override
    public PageRequest.Outcome requestPage(PageRequest request) {
      reported.add(request);
      return pageOutcome;
    }
  }

  /// The context, but that invalidations are written down.
  private IommufdBackend recording() {
    return (IommufdBackend)
        Proxy.newProxyInstance(
            GuestRig.class.getClassLoader(),
            new Class<?>[] {IommufdBackend.class},
            (_, method, arguments) -> {
              try {
                Object result = method.invoke(iommufd, arguments);
                if (method.getName().equals("invalidate")) {
                  sent((HwptParentId) arguments[0], (Invalidation) arguments[1]);
                  return handled.applyAsInt((int) result);
                }
                return result;
              } catch (InvocationTargetException e) {
                throw e.getCause();
              }
            });
  }

  private void sent(HwptParentId pageTable, Invalidation what) {
    invalidations.add(new Sent((HwptId) pageTable, ((Invalidation.VtdS1) what).entries()));
  }

  /// A PCI Express endpoint with nothing but that.
  private static ConfigSpace endpoint() {
    ByteBuffer bytes =
        ByteBuffer.allocate(ConfigSpace.EXTENDED_SIZE).order(ByteOrder.LITTLE_ENDIAN);
    bytes.putInt(0x00, 0x0001f00d).putInt(0x04, 0x00100006).putInt(0x08, 0x02000000);
    bytes.put(0x34, (byte) 0x40);
    bytes.putInt(0x40, 0x00020010);
    bytes.putInt(0x100, 0x00020001);
    return ConfigSpace.of(bytes.array());
  }

  /// Takes in a function whose guest has PASIDs enabled and its IOMMU off.
  PassthroughFunction cover(PciAddress address, FunctionOptions options) {
    PassthroughFunction opened = PassthroughFunction.open(iommufd, address, options);
    functions.add(opened);
    int registers = ((Synthesis) opened.synthesis()).registers();
    opened.writeConfig(registers + 2, 2, 1);
    SourceId id = SourceId.of(address);
    tables.cover(id, opened);
    entry(Requester.of(id, 0), Translation.Untranslated.UNTRANSLATED);
    tables.sync();
    return opened;
  }

  /// From now on the guest lets its functions ask for pages.
  void allowPageRequests() {
    pageRequests = true;
  }

  /// Tells that the guest has written an entry for a PASID of the function, 0 for itself.
  void entry(int pasid, Translation after) {
    entry(Requester.of(FUNCTION, pasid), after);
  }

  void entry(Requester requester, Translation after) {
    Translation before = told.getOrDefault(requester, Translation.Absent.ABSENT);
    told.put(requester, after);
    tables.entryChanged(new EntryChange(requester, before, after, false, pageRequests));
  }

  static Translation absent() {
    return Translation.Absent.ABSENT;
  }

  static Translation.FirstStage firstStage(int domain, long pointer) {
    return new Translation.FirstStage(
        domain, new FirstStageTable(pointer, 48, true, true, false), false, true);
  }

  static Translation.SecondStage secondStage(int domain, long pointer) {
    return new Translation.SecondStage(
        domain, new SecondStageTable(pointer, 48, false), false, true);
  }

  /// What the hardware has for a PASID of the function.
  java.util.Optional<HwptId> attached(int pasid) {
    return host.attachment(ADDRESS, new Pasid(pasid));
  }

  @Override
  public void close() {
    tables.close();
    functions.forEach(PassthroughFunction::close);
    iommufd.close();
    arena.close();
  }
}
