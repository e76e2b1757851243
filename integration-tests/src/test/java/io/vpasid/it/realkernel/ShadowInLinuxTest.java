package io.vpasid.it.realkernel;

import static org.assertj.core.api.Assertions.assertThat;

import io.vpasid.pci.PciAddress;
import io.vpasid.vmm.FunctionOptions;
import io.vpasid.vmm.PassthroughFunction;
import io.vpasid.vmm.frontend.GuestMemory;
import io.vpasid.vmm.frontend.GuestMemoryException;
import io.vpasid.vmm.frontend.MappedGuestMemory;
import io.vpasid.vmm.frontend.nested.Bounds;
import io.vpasid.vmm.frontend.nested.GuestPageTables;
import io.vpasid.vmm.frontend.nested.HostMemory;
import io.vpasid.vmm.frontend.nested.NestedFormat;
import io.vpasid.vmm.frontend.nested.RefusedEntry;
import io.vpasid.vmm.frontend.nested.TranslationMode;
import io.vpasid.vmm.frontend.vtd.SourceId;
import io.vpasid.vmm.frontend.vtd.VtdCapabilities;
import io.vpasid.vmm.frontend.vtd.VtdUnit;
import io.vpasid.vmm.iommufd.BackendOptions;
import io.vpasid.vmm.iommufd.IoasId;
import io.vpasid.vmm.iommufd.IommufdBackend;
import io.vpasid.vmm.iommufd.IovaAccess;
import io.vpasid.vmm.iommufd.kernel.KernelProvider;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/// A virtual VT-d unit in front of a real kernel: what a guest writes into its second-stage tables
/// is, after its invalidation, in the tables of the kernel's IOMMU, page by page.
@InRealKernel
class ShadowInLinuxTest {
  private static final PciAddress ADDRESS = new PciAddress(0, 0, 4, 0);
  private static final SourceId ID = SourceId.of(ADDRESS);
  private static final IommuTables HOSTS = new IommuTables(ADDRESS);
  private static final int MEMORY = 1 << 20;
  private static final int PAGES = MEMORY >> 12;

  // Where the guest has its structures, and an address that it lets its function use.
  private static final long ROOT = 0x1000;
  private static final long CONTEXT = 0x2000;
  private static final long STATUS = 0x3000;
  private static final long PASID_TABLE = 0x4000;
  private static final long DIRECTORY = 0x20000;
  private static final long QUEUE = 0x40000;
  private static final long FIRST = 0x50000;
  private static final long SECOND = 0x60000;
  private static final long DATA = 0x80000;
  private static final long IOVA = 0x40_0000;
  private static final int READ_WRITE = 3;

  private static final int PASID = 7;
  private static final int OTHER_PASID = 9;

  @Test
  void kernelsTablesFollowTheGuests() throws GuestMemoryException {
    try (Guest guest = new Guest()) {
      assertThat(HOSTS.pasids()).isEmpty();

      guest.map(FIRST, 0, 16);
      guest.attach(PASID, FIRST, 2);
      assertThat(HOSTS.pasids()).containsExactly(PASID);
      assertThat(HOSTS.pagesOf(PASID)).isEqualTo(16);

      guest.map(FIRST, 16, 8);
      guest.domainChanged(2);
      assertThat(HOSTS.pagesOf(PASID)).as("mapped since").isEqualTo(24);

      guest.map(SECOND, 0, 4);
      guest.attach(PASID, SECOND, 3);
      assertThat(HOSTS.pagesOf(PASID)).as("replaced").isEqualTo(4);

      guest.passThrough(OTHER_PASID);
      assertThat(HOSTS.pasids()).containsExactly(PASID, OTHER_PASID);
      assertThat(HOSTS.pagesOf(OTHER_PASID)).as("all of its memory").isEqualTo(PAGES);

      guest.unmap(SECOND, 0, 4);
      guest.domainChanged(3);
      assertThat(HOSTS.pagesOf(PASID)).as("unmapped").isZero();

      guest.detach(PASID);
      assertThat(HOSTS.pasids()).containsExactly(OTHER_PASID);
      assertThat(guest.refused).isEmpty();
    }
    assertThat(HOSTS.pasids()).isEmpty();
  }

  /// A guest's driver, as far as the unit sees it.
  private static final class Guest implements AutoCloseable {
    private final Arena arena = Arena.ofShared();
    private final MemorySegment segment = arena.allocate(MEMORY, 4096);
    private final MappedGuestMemory.Range range = new MappedGuestMemory.Range(0, segment);
    private final GuestMemory memory = MappedGuestMemory.of(range);
    private final List<RefusedEntry> refused = new ArrayList<>();
    private final IommufdBackend iommufd = new KernelProvider().open(BackendOptions.DEFAULTS);
    private final PassthroughFunction function =
        PassthroughFunction.open(iommufd, ADDRESS, FunctionOptions.defaults());
    private final IoasId ioas = iommufd.ioasAlloc();
    private final GuestPageTables tables =
        new GuestPageTables(
            iommufd,
            new GuestPageTables.Memory(memory, HostMemory.of(List.of(range)), ioas),
            TranslationMode.Kind.SHADOW,
            NestedFormat.VTD,
            Bounds.DEFAULT);
    private final VtdUnit unit =
        new VtdUnit(
            VtdCapabilities.shadow(20), memory, tables, (address, data) -> {}, Runnable::run);
    private int tail;

    /// One whose function itself passes through.
    Guest() throws GuestMemoryException {
      iommufd.mapAt(ioas, 0, segment, IovaAccess.READ_WRITE);
      tables.cover(ID, function);
      tables.reportTo(unit);
      tables.listen(refused::add);
      unit.cover(ID).join();
      memory.storeLong(ROOT, CONTEXT | 1);
      memory.storeLong(CONTEXT + ID.deviceFunction() * 32L, DIRECTORY | 7 << 9 | 8 | 1);
      memory.storeLong(DIRECTORY, PASID_TABLE | 1);
      memory.storeLong(PASID_TABLE, 4 << 6 | 1);
      memory.storeLong(PASID_TABLE + 8, 1);
      unit.writeRegister(0x90, 8, QUEUE | 1 << 11);
      unit.writeRegister(0x20, 8, ROOT | 1 << 10);
      unit.writeRegister(0x18, 4, 1L << 30);
      unit.writeRegister(0x18, 4, 1L << 31 | 1L << 26);
    }

    /// Maps pages of `DATA` behind the first ones at `IOVA`, by a table of four levels in as many
    /// pages.
    void map(long table, int first, int pages) throws GuestMemoryException {
      memory.storeLong(table, (table + 0x1000) | READ_WRITE);
      memory.storeLong(table + 0x1000, (table + 0x2000) | READ_WRITE);
      memory.storeLong(table + 0x2000 + (IOVA >> 21) * 8, (table + 0x3000) | READ_WRITE);
      for (int page = first; page < first + pages; page++) {
        memory.storeLong(table + 0x3000 + page * 8L, (DATA + page * 4096L) | READ_WRITE);
      }
    }

    void unmap(long table, int first, int pages) throws GuestMemoryException {
      for (int page = first; page < first + pages; page++) {
        memory.storeLong(table + 0x3000 + page * 8L, 0);
      }
    }

    /// A second stage of four levels.
    void attach(int pasid, long table, int domain) throws GuestMemoryException {
      entry(pasid, table | 2 << 6 | 2 << 2 | 1, domain);
    }

    void passThrough(int pasid) throws GuestMemoryException {
      entry(pasid, 4 << 6 | 1, 1);
    }

    void detach(int pasid) throws GuestMemoryException {
      entry(pasid, 0, 0);
    }

    private void entry(int pasid, long word0, long word1) throws GuestMemoryException {
      memory.storeLong(PASID_TABLE + pasid * 64L + 8, word1);
      memory.storeLong(PASID_TABLE + pasid * 64L, word0);
      put(7 | 1 << 4 | (long) pasid << 32, 0);
      await();
    }

    /// Invalidates the IOTLB of a domain.
    void domainChanged(int domain) throws GuestMemoryException {
      put(2 | 2 << 4 | (long) domain << 16, 0);
      await();
    }

    private void await() throws GuestMemoryException {
      memory.storeInt(STATUS, 0);
      put(5 | 1 << 5 | 1L << 32, STATUS);
      unit.writeRegister(0x88, 4, tail);
      assertThat(memory.loadInt(STATUS)).as("the wait's status").isEqualTo(1);
    }

    private void put(long word0, long word1) throws GuestMemoryException {
      memory.storeLong(QUEUE + tail, word0);
      memory.storeLong(QUEUE + tail + 8, word1);
      tail = (tail + 32) & 0xfff;
    }

    @Override
    public void close() {
      unit.close();
      tables.close();
      function.close();
      iommufd.close();
      arena.close();
    }
  }
}
