package io.vpasid.it.benchmark;

import io.vpasid.vmm.frontend.GuestMemory;
import io.vpasid.vmm.frontend.GuestMemoryException;
import io.vpasid.vmm.frontend.MappedGuestMemory;
import io.vpasid.vmm.frontend.vtd.EntryChange;
import io.vpasid.vmm.frontend.vtd.PageResponse;
import io.vpasid.vmm.frontend.vtd.SourceId;
import io.vpasid.vmm.frontend.vtd.VtdBackend;
import io.vpasid.vmm.frontend.vtd.VtdCapabilities;
import io.vpasid.vmm.frontend.vtd.VtdUnit;
import java.lang.foreign.Arena;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;

/// A virtual VT-d unit's invalidation queue beside what the backend does: a descriptor in less than
/// 2 µs, and less than 10 ms for a global invalidation of a function with a PASID directory for
/// 2^20 PASIDs of which 100 are present. The unit has no thread of its own.
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class VtdQueueBenchmark {
  private static final int MEMORY = 1 << 27;
  private static final long ROOT = 0x1000;
  private static final long CONTEXT = 0x2000;
  private static final long STATUS = 0x3000;
  private static final long PAGE_TABLE = 0x4000;
  private static final long DIRECTORY = 0x20000;
  private static final long QUEUE = 0x40000;
  private static final long TABLES = 0x100000;
  private static final SourceId FUNCTION = new SourceId(0x20);

  /// Descriptors that one tail write hands over.
  private static final int BATCH = 64;

  private final GuestMemory memory =
      MappedGuestMemory.of(new MappedGuestMemory.Range(0, Arena.ofAuto().allocate(MEMORY, 4096)));
  private final VtdUnit unit =
      new VtdUnit(
          VtdCapabilities.emulated(), memory, new Nothing(), (address, data) -> {}, Runnable::run);
  private int tail;
  private boolean domainTwo;

  /// Does nothing, so that the unit alone is measured.
  private static final class Nothing implements VtdBackend {
    @Override
    public void entryChanged(EntryChange change) {}

    @Override
    public void invalidateAll() {}

    @Override
    public void invalidateDomain(int domainId) {}

    @Override
    public void invalidatePages(int domainId, long address, long pages, boolean leafOnly) {}

    @Override
    public void invalidatePasid(int domainId, int pasid) {}

    @Override
    public void invalidatePasidPages(
        int domainId, int pasid, long address, long pages, boolean leafOnly) {}

    @Override
    public void invalidateDeviceTlb(SourceId function, int pasid, long address, long pages) {}

    @Override
    public void drainPageRequests() {}

    @Override
    public void pageResponse(PageResponse response) {}

    @Override
    public void pageRequestsDropped() {}

    @Override
    public void sync() {}
  }

  /// A guest in scalable mode, with 100 PASIDs that are 2^20 / 100 apart.
  @Setup
  public void enable() throws GuestMemoryException {
    unit.cover(FUNCTION).join();
    memory.storeLong(ROOT, CONTEXT | 1);
    memory.storeLong(CONTEXT + FUNCTION.deviceFunction() * 32L, DIRECTORY | 7 << 9 | 8 | 1);
    for (int i = 1; i <= 100; i++) {
      present(i * 10485, i);
    }
    unit.writeRegister(0x90, 8, QUEUE | 1 << 11);
    unit.writeRegister(0x20, 8, ROOT | 1 << 10);
    unit.writeRegister(0x18, 4, 1L << 30);
    unit.writeRegister(0x18, 4, 1L << 31 | 1L << 26);
  }

  private void present(int pasid, int table) throws GuestMemoryException {
    long at = TABLES + table * 0x1000L;
    memory.storeLong(DIRECTORY + (pasid >> 6) * 8L, at | 1);
    entry(at + (pasid & 63) * 64L, 1);
  }

  private void entry(long at, int domainId) throws GuestMemoryException {
    memory.storeLong(at, 1 | 1 << 6);
    memory.storeLong(at + 8, domainId | 1 << 23);
    memory.storeLong(at + 16, PAGE_TABLE);
  }

  private void put(long word0, long word1) {
    try {
      memory.storeLong(QUEUE + tail, word0);
      memory.storeLong(QUEUE + tail + 8, word1);
    } catch (GuestMemoryException e) {
      throw new IllegalStateException(e);
    }
    tail = (tail + 32) & 0xfff;
  }

  private void submit() {
    unit.writeRegister(0x88, 4, tail);
  }

  private void await() {
    put(5 | 1 << 5 | 1L << 32, STATUS);
    submit();
  }

  /// IOTLB invalidations of a page, and a wait at the end.
  @Benchmark
  @OperationsPerInvocation(BATCH)
  public void pageOfADomain() {
    for (int i = 1; i < BATCH; i++) {
      put(2 | 3 << 4 | 5 << 16, (long) i << 12);
    }
    await();
  }

  /// PASID cache invalidations of a PASID that has not changed, and a wait at the end.
  @Benchmark
  @OperationsPerInvocation(BATCH)
  public void pasidThatIsTheSame() {
    for (int i = 1; i < BATCH; i++) {
      put(7 | 1 << 4 | 10485L << 32, 0);
    }
    await();
  }

  /// An entry that changes, its invalidation and a wait.
  @Benchmark
  public void pasidThatChanges() throws GuestMemoryException {
    domainTwo = !domainTwo;
    entry(TABLES + 0x1000 + (10485 & 63) * 64L, domainTwo ? 2 : 1);
    put(7 | 1 << 4 | 10485L << 32, 0);
    await();
  }

  /// A global PASID cache invalidation, whose scan the wait brings about.
  @Benchmark
  public void globalWith100Of2To20Pasids() {
    put(7 | 3 << 4, 0);
    await();
  }
}
