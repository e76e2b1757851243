package io.vpasid.it.contract;

import static org.assertj.core.api.Assertions.assertThat;

import io.vpasid.it.realkernel.InRealKernel;
import io.vpasid.synth.Synthesis;
import io.vpasid.vmm.FunctionOptions;
import io.vpasid.vmm.PassthroughFunction;
import io.vpasid.vmm.frontend.GuestMemoryException;
import io.vpasid.vmm.frontend.MappedGuestMemory;
import io.vpasid.vmm.frontend.nested.Bounds;
import io.vpasid.vmm.frontend.nested.GuestPageTables;
import io.vpasid.vmm.frontend.nested.HostMemory;
import io.vpasid.vmm.frontend.nested.TranslationMode;
import io.vpasid.vmm.frontend.vtd.FirstStageTable;
import io.vpasid.vmm.frontend.vtd.SourceId;
import io.vpasid.vmm.frontend.vtd.VtdCapabilities;
import io.vpasid.vmm.frontend.vtd.VtdUnit;
import io.vpasid.vmm.iommufd.HwptFlag;
import io.vpasid.vmm.iommufd.HwptId;
import io.vpasid.vmm.iommufd.HwptRequest;
import io.vpasid.vmm.iommufd.IoasId;
import io.vpasid.vmm.iommufd.IommufdBackend;
import io.vpasid.vmm.iommufd.IovaAccess;
import io.vpasid.vmm.iommufd.Pasid;
import io.vpasid.vmm.pasid.AttachOutcome;
import io.vpasid.vmm.pasid.DetachOutcome;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/// What it costs on Linux that a guest attaches and detaches a PASID through its virtual VT-d unit,
/// beside the same requests made by hand. `VtdAttachBenchmark` compares them on the simulated host,
/// where a request is no system call.
@InRealKernel
class AttachCostTest {
  /// Attaches and detaches by one way, before it is the other's turn.
  private static final int PAIRS = 40;

  /// Turns of which the median counts.
  private static final int TURNS = 25;

  /// The first runs code that is not compiled yet.
  private static final int BLOCKS = 10;

  /// There are more blocks while one is over the bound, as on a CPU that others want too.
  private static final Duration LONGEST = Duration.ofMinutes(3);

  /// Where the guest's memory begins; the mock IOMMU translates from 2^24 on.
  private static final long MEMORY = 1L << 24;

  private static final int SIZE = 1 << 20;
  private static final long ROOT = MEMORY + 0x1000;
  private static final long CONTEXT = MEMORY + 0x2000;
  private static final long STATUS = MEMORY + 0x3000;
  private static final long TABLE = MEMORY + 0x4000;
  private static final long PAGE_TABLE = MEMORY + 0x8000;
  private static final long DIRECTORY = MEMORY + 0x20000;
  private static final long QUEUE = MEMORY + 0x40000;
  private static final SourceId FUNCTION = new SourceId(0x20);
  private static final int GUEST_PASID = 7;
  private static final Pasid BY_HAND = new Pasid(8);

  private int tail;

  @Test
  void attachThroughTheUnitTakesAtMostTwiceTheRequests() throws GuestMemoryException {
    try (Arena arena = Arena.ofShared();
        IommufdBackend iommufd = new KernelMockRig().open();
        PassthroughFunction function =
            PassthroughFunction.open(
                iommufd, new KernelMockRig().device(), FunctionOptions.defaults())) {
      MemorySegment segment = arena.allocate(SIZE, 4096);
      MappedGuestMemory.Range range = new MappedGuestMemory.Range(MEMORY, segment);
      MappedGuestMemory memory = MappedGuestMemory.of(range);
      IoasId ioas = iommufd.ioasAlloc();
      iommufd.mapAt(ioas, MEMORY, segment, IovaAccess.READ_WRITE);
      function.writeConfig(((Synthesis) function.synthesis()).registers() + 2, 2, 1);
      try (GuestPageTables tables =
              new GuestPageTables(
                  iommufd,
                  new GuestPageTables.Memory(memory, HostMemory.of(List.of(range)), ioas),
                  TranslationMode.Kind.NESTED,
                  new MockFormat(),
                  Bounds.DEFAULT);
          VtdUnit unit =
              new VtdUnit(
                  VtdCapabilities.nested(-1, -1, 20, false),
                  memory,
                  tables,
                  (address, data) -> {},
                  Runnable::run)) {
        tables.cover(FUNCTION, function);
        tables.reportTo(unit);
        unit.cover(FUNCTION).join();
        enable(memory, unit);
        HwptId parent =
            iommufd.hwptAlloc(
                HwptRequest.paging(function.device().id(), ioas)
                    .with(HwptFlag.NEST_PARENT)
                    .with(HwptFlag.PASID));
        HwptId kept =
            function.newPageTable(
                parent,
                new MockFormat()
                    .pageTable(new FirstStageTable(PAGE_TABLE, 48, false, false, false)));
        compare(function, kept, memory, unit);
      }
    }
  }

  private void compare(
      PassthroughFunction function, HwptId kept, MappedGuestMemory memory, VtdUnit unit)
      throws GuestMemoryException {
    MockDevice device = (MockDevice) function.device();
    entry(memory, unit, 1 | 1 << 6, 2 | 1 << 23, PAGE_TABLE);
    assertThat(device.look(new Pasid(GUEST_PASID))).as("what the kernel says").isPresent();
    entry(memory, unit, 0, 0, 0);
    assertThat(device.look(new Pasid(GUEST_PASID))).as("what the kernel says").isEmpty();
    long end = System.nanoTime() + LONGEST.toNanos();
    double ratio = 0;
    for (int block = 0; block < BLOCKS || (ratio > 2 && System.nanoTime() < end); block++) {
      ratio = ratioOfABlock(function, kept, memory, unit);
    }
    assertThat(ratio).as("through the unit, beside by hand").isLessThanOrEqualTo(2);
  }

  private double ratioOfABlock(
      PassthroughFunction function, HwptId kept, MappedGuestMemory memory, VtdUnit unit)
      throws GuestMemoryException {
    List<Long> byHand = new ArrayList<>();
    List<Long> throughTheUnit = new ArrayList<>();
    for (int turn = 0; turn < TURNS; turn++) {
      long begin = System.nanoTime();
      for (int i = 0; i < PAIRS; i++) {
        assertThatIs(AttachOutcome.Attached.class, function.attachPasid(BY_HAND, kept));
        assertThatIs(DetachOutcome.Detached.class, function.detachPasid(BY_HAND));
      }
      long middle = System.nanoTime();
      for (int i = 0; i < PAIRS; i++) {
        entry(memory, unit, 1 | 1 << 6, 2 | 1 << 23, PAGE_TABLE);
        entry(memory, unit, 0, 0, 0);
      }
      byHand.add(middle - begin);
      throughTheUnit.add(System.nanoTime() - middle);
    }
    double ratio = median(throughTheUnit) / median(byHand);
    System.out.printf(
        "An attach and a detach take %.1f µs by hand, and %.1f µs through the unit: %.2f times.%n",
        median(byHand) / PAIRS / 1e3, median(throughTheUnit) / PAIRS / 1e3, ratio);
    return ratio;
  }

  private static void assertThatIs(Class<?> expected, Object outcome) {
    if (!expected.isInstance(outcome)) {
      throw new AssertionError("" + outcome);
    }
  }

  private static double median(List<Long> values) {
    return values.stream().sorted().skip(values.size() / 2).findFirst().orElseThrow();
  }

  /// A guest in scalable mode whose function has PASIDs enabled, and itself passes through.
  private void enable(MappedGuestMemory memory, VtdUnit unit) throws GuestMemoryException {
    memory.storeLong(ROOT, CONTEXT | 1);
    memory.storeLong(CONTEXT + FUNCTION.deviceFunction() * 32L, DIRECTORY | 7 << 9 | 8 | 1);
    memory.storeLong(DIRECTORY, TABLE | 1);
    memory.storeLong(TABLE, 4 << 6 | 1);
    memory.storeLong(TABLE + 8, 1);
    unit.writeRegister(0x90, 8, QUEUE | 1 << 11);
    unit.writeRegister(0x20, 8, ROOT | 1 << 10);
    unit.writeRegister(0x18, 4, 1L << 30);
    unit.writeRegister(0x18, 4, 1L << 31 | 1L << 26);
  }

  private void entry(MappedGuestMemory memory, VtdUnit unit, long word0, long word1, long word2)
      throws GuestMemoryException {
    long at = TABLE + GUEST_PASID * 64L;
    memory.storeLong(at + 16, word2);
    memory.storeLong(at + 8, word1);
    memory.storeLong(at, word0);
    put(memory, 7 | 1 << 4 | (long) GUEST_PASID << 32, 0);
    put(memory, 5 | 1 << 5 | 1L << 32, STATUS);
    unit.writeRegister(0x88, 4, tail);
  }

  private void put(MappedGuestMemory memory, long word0, long word1) throws GuestMemoryException {
    memory.storeLong(QUEUE + tail, word0);
    memory.storeLong(QUEUE + tail + 8, word1);
    tail = (tail + 32) & 0xfff;
  }
}
