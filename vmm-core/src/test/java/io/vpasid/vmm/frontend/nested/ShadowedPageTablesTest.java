package io.vpasid.vmm.frontend.nested;

import static io.vpasid.vmm.frontend.nested.GuestRig.ADDRESS;
import static io.vpasid.vmm.frontend.nested.GuestRig.absent;
import static io.vpasid.vmm.frontend.nested.GuestRig.secondStage;
import static org.assertj.core.api.Assertions.assertThat;

import io.vpasid.pci.PciAddress;
import io.vpasid.vmm.FunctionOptions;
import io.vpasid.vmm.frontend.GuestMemoryException;
import io.vpasid.vmm.frontend.vtd.Requester;
import io.vpasid.vmm.frontend.vtd.SourceId;
import io.vpasid.vmm.iommufd.IoasId;
import io.vpasid.vmm.iommufd.IovaAccess;
import io.vpasid.vmm.iommufd.Pasid;
import io.vpasid.vmm.iommufd.simulated.HardwareChange;
import io.vpasid.vmm.iommufd.simulated.Request;
import io.vpasid.vmm.iommufd.simulated.SimulatedMapping;
import io.vpasid.vmm.linux.Errno;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// What a guest with a second stage gets on any host: the mappings of the simulated I/O address
/// space are compared with what the guest's own page table says.
class ShadowedPageTablesTest {
  private static final long PAGE = 4096;
  private static final long READ = 1;
  private static final long WRITE = 2;
  private static final long LARGE = 1 << 7;

  /// Where the guest has its page tables; they grow upward.
  private static final long ROOT = 0x100_0000;

  private GuestRig guest = new GuestRig(TranslationMode.Kind.SHADOW);
  private GuestPageTables tables = guest.tables;
  private long nextTable = ROOT + PAGE;

  @AfterEach
  void close() {
    guest.close();
    assertThat(guest.host.nothingAttached(ADDRESS)).isTrue();
    assertThat(guest.iommufd.objects()).isEmpty();
    assertThat(guest.host.pinnedBytes()).isZero();
  }

  private void limitTo(Bounds bounds) {
    guest.close();
    guest = new GuestRig(TranslationMode.Kind.SHADOW, bounds, FunctionOptions.defaults());
    tables = guest.tables;
  }

  /// Writes an entry of the guest's table, and the tables that lead to it.
  ///
  /// @param level 1 for 4 KiB, 2 for 2 MiB, 3 for 1 GiB
  private void write(long iova, int level, long entry) throws GuestMemoryException {
    long table = ROOT;
    for (int at = 4; at > level; at--) {
      long slot = table + ((iova >>> (12 + 9 * (at - 1))) & 511) * 8;
      long below = guest.memory.loadLong(slot);
      if (below == 0) {
        below = nextTable | READ | WRITE;
        nextTable += PAGE;
        guest.memory.storeLong(slot, below);
      }
      table = below & -PAGE;
    }
    guest.memory.storeLong(table + ((iova >>> (12 + 9 * (level - 1))) & 511) * 8, entry);
  }

  private void attach(int pasid) {
    guest.entry(pasid, secondStage(2, ROOT));
    tables.sync();
  }

  private IoasId ioasOf(int pasid) {
    return (IoasId) guest.iommufd.pageTable(guest.attached(pasid).orElseThrow()).orElseThrow().on();
  }

  private IoasId newestIoas() {
    return guest.iommufd.objects().stream()
        .filter(IoasId.class::isInstance)
        .map(IoasId.class::cast)
        .max(Comparator.comparingInt(IoasId::value))
        .orElseThrow();
  }

  /// The simulated mappings with guest-physical addresses.
  private List<SimulatedMapping> mappings(int pasid) {
    return guest.iommufd.mappings(ioasOf(pasid)).stream()
        .map(mapping ->
            new SimulatedMapping(
                mapping.iova(),
                mapping.length(),
                mapping.address() - guest.segment.address(),
                mapping.access()))
        .toList();
  }

  private static SimulatedMapping mapping(long iova, long length, long address) {
    return new SimulatedMapping(iova, length, address, IovaAccess.READ_WRITE);
  }

  @Test
  void whatTheTableMapsIsMappedInRunsWithItsRights() throws GuestMemoryException {
    write(0x4000_0000, 1, 0x20_0000 | READ | WRITE);
    write(0x4000_1000, 1, 0x20_1000 | READ | WRITE);
    write(0x4000_2000, 1, 0x20_2000 | READ);
    write(0x4000_3000, 1, 0x30_0000 | READ);
    write(0x4020_0000, 2, 0x40_0000 | READ | WRITE | LARGE);
    write(0x4040_0000, 2, 0x60_0000 | READ | WRITE | LARGE);

    attach(5);

    assertThat(mappings(5))
        .containsExactly(
            mapping(0x4000_0000, 0x2000, 0x20_0000),
            new SimulatedMapping(0x4000_2000, PAGE, 0x20_2000, IovaAccess.READ_ONLY),
            new SimulatedMapping(0x4000_3000, PAGE, 0x30_0000, IovaAccess.READ_ONLY),
            mapping(0x4020_0000, 0x40_0000, 0x40_0000));
  }

  @Test
  void aGigabytePageIsMappedAsFarAsThereIsMemory() throws GuestMemoryException {
    write(0x4000_0000, 3, READ | WRITE | LARGE);

    attach(5);

    assertThat(mappings(5)).containsExactly(mapping(0x4000_0000, GuestRig.MEMORY, 0));
  }

  @Test
  void whatTheHostReservesIsLeftOut() throws GuestMemoryException {
    for (int i = 0; i < 0x102; i++) {
      write(0xfedf_f000L + i * PAGE, 1, 0x20_0000 + i * PAGE | READ | WRITE);
    }

    attach(5);

    assertThat(guest.refused).isEmpty();
    assertThat(mappings(5))
        .as("interrupt messages are at FEEx_xxxx")
        .containsExactly(
            mapping(0xfedf_f000L, PAGE, 0x20_0000), mapping(0xfef0_0000L, PAGE, 0x30_1000));
  }

  @Test
  void aPageThatTheGuestMapsIsThereAfterItsInvalidation() throws GuestMemoryException {
    attach(5);
    write(0x4000_0000, 1, 0x20_0000 | READ | WRITE);
    tables.sync();
    assertThat(mappings(5)).isEmpty();

    tables.invalidatePages(2, 0x4000_0000, 1, true);
    tables.sync();

    assertThat(mappings(5)).containsExactly(mapping(0x4000_0000, PAGE, 0x20_0000));
  }

  @Test
  void anInvalidationOfAnotherDomainOrAnotherRangeChangesNothing() throws GuestMemoryException {
    attach(5);
    write(0x4000_0000, 1, 0x20_0000 | READ | WRITE);

    tables.invalidatePages(3, 0x4000_0000, 1, true);
    tables.invalidateDomain(3);
    tables.invalidatePages(2, 0x4000_1000, 1, true);
    tables.sync();

    assertThat(mappings(5)).isEmpty();
  }

  @Test
  void aPageThatTheGuestUnmapsGoesAndItsNeighboursStay() throws GuestMemoryException {
    for (int i = 0; i < 4; i++) {
      write(0x4000_0000 + i * PAGE, 1, 0x20_0000 + i * PAGE | READ | WRITE);
    }
    attach(5);

    write(0x4000_1000, 1, 0);
    tables.invalidatePages(2, 0x4000_1000, 1, true);
    tables.sync();

    assertThat(mappings(5))
        .containsExactly(
            mapping(0x4000_0000, PAGE, 0x20_0000), mapping(0x4000_2000, 2 * PAGE, 0x20_2000));
  }

  @Test
  void whatIsAsBeforeIsNotMappedAgain() throws GuestMemoryException {
    write(0x4000_0000, 1, 0x20_0000 | READ | WRITE);
    attach(5);
    long calls = guest.host.failures().calls();

    tables.invalidateAll();
    tables.invalidateDomain(2);
    tables.sync();

    assertThat(guest.host.failures().calls()).isEqualTo(calls);
  }

  @Test
  void pasidsOfADomainShareItAndItEndsWithTheLast() {
    int before = guest.iommufd.objects().size();
    attach(5);
    attach(6);
    assertThat(ioasOf(5)).isEqualTo(ioasOf(6));
    assertThat(guest.attached(5)).isEqualTo(guest.attached(6));

    guest.entry(5, absent());
    tables.sync();
    assertThat(guest.attached(6)).isPresent();
    guest.entry(6, absent());
    tables.sync();

    assertThat(guest.iommufd.objects()).hasSize(before);
  }

  @Test
  void functionsOfADomainShareItsAddressSpace() {
    PciAddress other = new PciAddress(0, 0x6b, 1, 0);
    guest.cover(other, FunctionOptions.defaults());
    attach(0);
    guest.entry(Requester.of(SourceId.of(other), 0), secondStage(2, ROOT));
    tables.sync();

    var its = guest.host.attachment(other).orElseThrow();
    assertThat(its).isNotEqualTo(guest.attached(0).orElseThrow());
    assertThat(guest.iommufd.pageTable(its).orElseThrow().on()).isEqualTo(ioasOf(0));

    tables.uncover(SourceId.of(other));
    assertThat(guest.host.nothingAttached(other)).isTrue();
    assertThat(guest.attached(0)).isPresent();
  }

  @Test
  void aDomainWithAnotherTableReplacesTheOneBeforeWhenItIsFull() throws GuestMemoryException {
    attach(5);
    IoasId before = ioasOf(5);
    write(0x4000_0000, 1, 0x20_0000 | READ | WRITE);
    guest.hardware.clear();
    List<Integer> mappedBefore = new ArrayList<>();
    guest
        .host
        .failures()
        .beforeEach(request -> {
          if (request == Request.ATTACH_PASID) {
            mappedBefore.add(guest.iommufd.mappings(newestIoas()).size());
          }
        });

    guest.entry(5, absent());
    guest.entry(5, secondStage(3, ROOT));
    tables.sync();

    assertThat(guest.hardware)
        .containsExactly(
            new HardwareChange.Translated(ADDRESS, new Pasid(5), guest.attached(5).orElseThrow()));
    assertThat(mappedBefore).as("mappings when it is attached").containsExactly(1);
    assertThat(ioasOf(5)).isNotEqualTo(before);
    assertThat(mappings(5)).containsExactly(mapping(0x4000_0000, PAGE, 0x20_0000));
    assertThat(guest.iommufd.users(before)).isZero();
  }

  @Test
  void aTableThatLeadsToItselfIsBeyondTheBoundAndItsPasidIsBlocked() throws GuestMemoryException {
    for (int i = 0; i < 512; i++) {
      guest.memory.storeLong(ROOT + i * 8L, ROOT | READ | WRITE);
    }

    attach(5);

    assertThat(guest.attached(5)).isEmpty();
    assertThat(guest.refused).extracting(RefusedEntry::errno).containsExactly(Errno.ENOSPC);
    assertThat(guest.reported).containsExactly(Requester.of(GuestRig.FUNCTION, 5));
  }

  @Test
  void moreMappingsThanTheBoundBlockThePasidsOfTheDomainOnly() throws GuestMemoryException {
    limitTo(new Bounds(Bounds.DEFAULT.tableEntries(), 4));
    attach(5);
    guest.entry(6, secondStage(3, 0x300_0000));
    tables.sync();
    for (int i = 0; i < 5; i++) {
      write(0x4000_0000 + i * 2L * PAGE, 1, 0x20_0000 | READ | WRITE);
    }

    tables.invalidateDomain(2);
    tables.sync();

    assertThat(guest.attached(5)).isEmpty();
    assertThat(guest.attached(6)).isPresent();
    assertThat(guest.refused).extracting(RefusedEntry::errno).containsExactly(Errno.ENOSPC);
  }

  @Test
  void aMappingThatTheHostRefusesBlocksThePasid() throws GuestMemoryException {
    attach(5);
    write(0x4000_0000, 1, 0x20_0000 | READ | WRITE);
    guest.host.failures().failNext(Request.MAP, Errno.ENOMEM);

    tables.invalidatePages(2, 0x4000_0000, 1, true);
    tables.sync();

    assertThat(guest.attached(5)).isEmpty();
    assertThat(guest.refused).extracting(RefusedEntry::errno).containsExactly(Errno.ENOMEM);
  }

  @Test
  void memoryThatGoesIsUnmappedAtOnce() throws GuestMemoryException {
    write(0x4000_0000, 1, 0x20_0000 | READ | WRITE);
    write(0x5000_0000, 1, 0x30_0000 | READ | WRITE);
    attach(5);

    tables.withdraw(0x20_0000, 0x10_0000);

    assertThat(mappings(5)).containsExactly(mapping(0x5000_0000, PAGE, 0x30_0000));
  }

  @Test
  void aFirstStageIsRefused() {
    guest.entry(5, GuestRig.firstStage(2, ROOT));
    tables.sync();

    assertThat(guest.attached(5)).isEmpty();
    assertThat(guest.refused).extracting(RefusedEntry::errno).containsExactly(Errno.EOPNOTSUPP);
  }

  /// Random changes of pages of two sizes, told by invalidations of random ranges around them: what
  /// is mapped afterwards is what the guest's table says, page by page.
  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
  void followsRandomChanges(long seed) throws GuestMemoryException {
    Random random = new Random(seed);
    Map<Long, SimulatedMapping> model = new HashMap<>();
    write(0x4000_0000, 1, 0);
    write(0x4020_0000, 1, 0);
    attach(5);
    for (int round = 0; round < 60; round++) {
      for (int change = random.nextInt(1, 6); change > 0; change--) {
        int page = random.nextInt(1024);
        int count = Math.min(random.nextInt(1, 40), 1024 - page);
        long address = random.nextInt(8) * 0x1_0000L;
        int rights = random.nextInt(4);
        for (int i = 0; i < count; i++) {
          long iova = 0x4000_0000 + (page + i) * PAGE;
          long its = address + i * PAGE;
          write(iova, 1, rights == 0 ? 0 : its | rights);
          model.remove(iova);
          if (rights != 0) {
            model.put(
                iova,
                new SimulatedMapping(
                    iova, PAGE, its, new IovaAccess((rights & READ) != 0, (rights & WRITE) != 0)));
          }
        }
        int mask = 32 - Integer.numberOfLeadingZeros(count - 1);
        long pages = 1L << mask;
        long first = (0x4000_0000 + page * PAGE) & -pages * PAGE;
        tables.invalidatePages(2, first, pages, random.nextBoolean());
        tables.invalidatePages(2, first + pages * PAGE, pages, true);
      }
      tables.sync();
      assertThat(pages()).as("round %d", round).isEqualTo(model);
    }
    assertThat(guest.refused).isEmpty();
  }

  private Map<Long, SimulatedMapping> pages() {
    Map<Long, SimulatedMapping> pages = new HashMap<>();
    for (SimulatedMapping mapping : mappings(5)) {
      for (long at = 0; at < mapping.length(); at += PAGE) {
        pages.put(
            mapping.iova() + at,
            new SimulatedMapping(
                mapping.iova() + at, PAGE, mapping.address() + at, mapping.access()));
      }
    }
    return pages;
  }
}
