package io.vpasid.it.benchmark;

import io.vpasid.pci.ConfigSpace;
import io.vpasid.pci.PciAddress;
import io.vpasid.pci.emulation.DeviceConfig;
import io.vpasid.synth.Synthesis;
import io.vpasid.vmm.FunctionOptions;
import io.vpasid.vmm.PassthroughFunction;
import io.vpasid.vmm.frontend.GuestMemory;
import io.vpasid.vmm.frontend.GuestMemoryException;
import io.vpasid.vmm.frontend.MappedGuestMemory;
import io.vpasid.vmm.frontend.nested.Bounds;
import io.vpasid.vmm.frontend.nested.GuestPageTables;
import io.vpasid.vmm.frontend.nested.HostMemory;
import io.vpasid.vmm.frontend.nested.NestedFormat;
import io.vpasid.vmm.frontend.nested.TranslationMode;
import io.vpasid.vmm.frontend.vtd.SourceId;
import io.vpasid.vmm.frontend.vtd.VtdCapabilities;
import io.vpasid.vmm.frontend.vtd.VtdUnit;
import io.vpasid.vmm.iommufd.HwptData;
import io.vpasid.vmm.iommufd.HwptFlag;
import io.vpasid.vmm.iommufd.HwptId;
import io.vpasid.vmm.iommufd.HwptRequest;
import io.vpasid.vmm.iommufd.IoasId;
import io.vpasid.vmm.iommufd.IommufdBackend;
import io.vpasid.vmm.iommufd.IovaAccess;
import io.vpasid.vmm.iommufd.Pasid;
import io.vpasid.vmm.iommufd.simulated.IommuProfile;
import io.vpasid.vmm.iommufd.simulated.SimulatedDevice;
import io.vpasid.vmm.iommufd.simulated.SimulatedHost;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/// Attaching a PASID to a guest's first-stage table and detaching it, on the simulated host: as a
/// VMM does it by hand, and as a guest's driver does it through a virtual VT-d unit, which may take
/// at most twice as long. Making and destroying the page table is a case of its own on both sides:
/// the front end keeps that of an address space that is entered again. The unit has no thread of
/// its own.
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class VtdAttachBenchmark {
  private static final PciAddress ADDRESS = new PciAddress(0, 0, 4, 0);
  private static final SourceId ID = SourceId.of(ADDRESS);
  private static final int MEMORY = 1 << 20;
  private static final long ROOT = 0x1000;
  private static final long CONTEXT = 0x2000;
  private static final long STATUS = 0x3000;
  private static final long TABLE = 0x4000;
  private static final long DIRECTORY = 0x20000;
  private static final long QUEUE = 0x40000;
  private static final int GUEST_PASID = 7;
  private static final Pasid BY_HAND = new Pasid(8);

  private final Arena arena = Arena.ofShared();
  private final MemorySegment segment = arena.allocate(MEMORY, 4096);
  private final MappedGuestMemory.Range range = new MappedGuestMemory.Range(0, segment);
  private final GuestMemory memory = MappedGuestMemory.of(range);
  private final IommufdBackend iommufd =
      SimulatedHost.builder()
          .iommu(IommuProfile.intel())
          .anyDevice(
              SimulatedDevice.at(ADDRESS).pasidWidth(20).config(DeviceConfig.readOnly(endpoint())))
          .build()
          .open();
  private final PassthroughFunction function =
      PassthroughFunction.open(iommufd, ADDRESS, FunctionOptions.defaults());
  private final IoasId ioas = iommufd.ioasAlloc();
  private final GuestPageTables tables =
      new GuestPageTables(
          iommufd,
          new GuestPageTables.Memory(memory, HostMemory.of(List.of(range)), ioas),
          TranslationMode.Kind.NESTED,
          NestedFormat.VTD,
          Bounds.DEFAULT);
  private final VtdUnit unit =
      new VtdUnit(
          VtdCapabilities.nested(-1, -1, 20, false),
          memory,
          tables,
          (address, data) -> {},
          Runnable::run);
  private HwptId parent = new HwptId(0);
  private HwptId kept = new HwptId(0);
  private int tail;
  private int next;

  private static ConfigSpace endpoint() {
    ByteBuffer bytes =
        ByteBuffer.allocate(ConfigSpace.EXTENDED_SIZE).order(ByteOrder.LITTLE_ENDIAN);
    bytes.putInt(0x00, 0x0001f00d).putInt(0x04, 0x00100006).putInt(0x08, 0x02000000);
    bytes.put(0x34, (byte) 0x40);
    bytes.putInt(0x40, 0x00020010);
    bytes.putInt(0x100, 0x00020001);
    return ConfigSpace.of(bytes.array());
  }

  /// A guest in scalable mode whose function has PASIDs enabled.
  @Setup
  public void enable() throws GuestMemoryException {
    iommufd.mapAt(ioas, 0, segment, IovaAccess.READ_WRITE);
    function.writeConfig(((Synthesis) function.synthesis()).registers() + 2, 2, 1);
    tables.cover(ID, function);
    tables.reportTo(unit);
    unit.cover(ID).join();
    memory.storeLong(ROOT, CONTEXT | 1);
    memory.storeLong(CONTEXT + ID.deviceFunction() * 32L, DIRECTORY | 7 << 9 | 8 | 1);
    memory.storeLong(DIRECTORY, TABLE | 1);
    // The function itself passes through, so that PASIDs may be attached beside it.
    memory.storeLong(TABLE, 4 << 6 | 1);
    memory.storeLong(TABLE + 8, 1);
    unit.writeRegister(0x90, 8, QUEUE | 1 << 11);
    unit.writeRegister(0x20, 8, ROOT | 1 << 10);
    unit.writeRegister(0x18, 4, 1L << 30);
    unit.writeRegister(0x18, 4, 1L << 31 | 1L << 26);
    parent =
        iommufd.hwptAlloc(
            HwptRequest.paging(function.device().id(), ioas)
                .with(HwptFlag.NEST_PARENT)
                .with(HwptFlag.PASID));
    kept = function.newPageTable(parent, new HwptData.VtdS1(0, 0x9000, 48));
  }

  /// Gives everything back.
  @TearDown
  public void close() {
    unit.close();
    tables.close();
    function.close();
    iommufd.close();
    arena.close();
  }

  /// By hand: a nested page table is made, attached, detached and destroyed.
  @Benchmark
  public void byHand() {
    HwptId nested = function.newPageTable(parent, new HwptData.VtdS1(0, 0x8000, 48));
    var _ = function.attachPasid(BY_HAND, nested);
    var _ = function.detachPasid(BY_HAND);
    function.destroyPageTable(nested);
  }

  /// The attach and the detach alone, to a page table that is there.
  @Benchmark
  public void attachOnly() {
    var _ = function.attachPasid(BY_HAND, kept);
    var _ = function.detachPasid(BY_HAND);
  }

  /// Through the front end: an entry comes, is invalidated and waited for, and goes in the same
  /// way; always the same address space.
  @Benchmark
  public void throughTheFrontEnd() {
    entry(1 | 1 << 6, 2 | 1 << 23, 0x8000);
    entry(0, 0, 0);
  }

  /// The same with one address space after another, more than the front end keeps.
  @Benchmark
  public void throughTheFrontEndAnew() {
    entry(1 | 1 << 6, 2 | 1 << 23, 0x8000 + (next++ & 0xff) * 0x1000L);
    entry(0, 0, 0);
  }

  /// What the guest's protocol asks for whatever has changed: nothing has.
  @Benchmark
  public void unchanged() {
    entry(0, 0, 0);
    entry(0, 0, 0);
  }

  private void entry(long word0, long word1, long word2) {
    long at = TABLE + GUEST_PASID * 64L;
    store(at + 16, word2);
    store(at + 8, word1);
    store(at, word0);
    put(7 | 1 << 4 | (long) GUEST_PASID << 32, 0);
    put(5 | 1 << 5 | 1L << 32, STATUS);
    unit.writeRegister(0x88, 4, tail);
  }

  private void put(long word0, long word1) {
    store(QUEUE + tail, word0);
    store(QUEUE + tail + 8, word1);
    tail = (tail + 32) & 0xfff;
  }

  /// As a guest's CPU does it, for which it is one instruction.
  private void store(long address, long value) {
    segment.set(ValueLayout.JAVA_LONG, address, value);
  }
}
