package io.vpasid.it.contract;

import static org.assertj.core.api.Assertions.assertThat;

import io.vpasid.it.realkernel.InRealKernel;
import io.vpasid.pci.PciAddress;
import io.vpasid.synth.Synthesis;
import io.vpasid.vmm.FunctionOptions;
import io.vpasid.vmm.PassthroughFunction;
import io.vpasid.vmm.frontend.GuestMemoryException;
import io.vpasid.vmm.frontend.MappedGuestMemory;
import io.vpasid.vmm.frontend.nested.Bounds;
import io.vpasid.vmm.frontend.nested.GuestPageTables;
import io.vpasid.vmm.frontend.nested.HostMemory;
import io.vpasid.vmm.frontend.nested.RefusedEntry;
import io.vpasid.vmm.frontend.nested.TranslationMode;
import io.vpasid.vmm.frontend.vtd.EntryChange;
import io.vpasid.vmm.frontend.vtd.Fault;
import io.vpasid.vmm.frontend.vtd.FirstStageTable;
import io.vpasid.vmm.frontend.vtd.PageRequest;
import io.vpasid.vmm.frontend.vtd.PageResponse;
import io.vpasid.vmm.frontend.vtd.Requester;
import io.vpasid.vmm.frontend.vtd.SecondStageTable;
import io.vpasid.vmm.frontend.vtd.SourceId;
import io.vpasid.vmm.frontend.vtd.Translation;
import io.vpasid.vmm.frontend.vtd.VtdReports;
import io.vpasid.vmm.iommufd.HwptId;
import io.vpasid.vmm.iommufd.IoasId;
import io.vpasid.vmm.iommufd.IommufdBackend;
import io.vpasid.vmm.iommufd.IovaAccess;
import io.vpasid.vmm.iommufd.PageFault;
import io.vpasid.vmm.iommufd.Pasid;
import io.vpasid.vmm.linux.Errno;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// The host's side of a virtual IOMMU on Linux 7.3 with its mock devices: the kernel itself says
/// which page table a PASID is on, and what the mock IOMMU has cached.
@InRealKernel
class KernelMockPageTablesTest {
  /// Where the guest's memory begins; the mock IOMMU translates from 2^24 on.
  private static final long MEMORY = 1L << 24;

  private static final int SIZE = 4 << 20;
  private static final SourceId FUNCTION = new SourceId(0x20);

  private final List<RefusedEntry> refused = new ArrayList<>();
  private final List<Object> reported = Collections.synchronizedList(new ArrayList<>());
  private final KernelMockRig rig = new KernelMockRig();
  private Arena arena;
  private IommufdBackend iommufd;
  private PassthroughFunction function;
  private MockDevice device;
  private MappedGuestMemory memory;
  private GuestPageTables tables;

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
      return PageRequest.Outcome.QUEUED;
    }
  }

  @BeforeEach
  void coverAMockDevice() {
    open(TranslationMode.Kind.NESTED);
  }

  @SuppressWarnings("MustBeClosedChecker") // closed after the test
  private void open(TranslationMode.Kind mode) {
    arena = Arena.ofShared();
    iommufd = rig.open();
    function = PassthroughFunction.open(iommufd, rig.device(), FunctionOptions.defaults());
    device = (MockDevice) function.device();
    enablePasids();
    MemorySegment segment = arena.allocate(SIZE, 4096);
    MappedGuestMemory.Range range = new MappedGuestMemory.Range(MEMORY, segment);
    memory = MappedGuestMemory.of(range);
    IoasId ioas = iommufd.ioasAlloc();
    iommufd.mapAt(ioas, MEMORY, segment, IovaAccess.READ_WRITE);
    tables =
        new GuestPageTables(
            iommufd,
            new GuestPageTables.Memory(memory, HostMemory.of(List.of(range)), ioas),
            mode,
            new MockFormat(),
            Bounds.DEFAULT);
    tables.reportTo(new Reports());
    tables.listen(refused::add);
    tables.cover(FUNCTION, function);
    entry(0, Translation.Untranslated.UNTRANSLATED);
    tables.sync();
  }

  private void enablePasids() {
    if (function.synthesis() instanceof Synthesis synthesis) {
      function.writeConfig(synthesis.registers() + 2, 2, 1);
    }
  }

  @AfterEach
  void close() {
    tables.close();
    function.close();
    iommufd.close();
    arena.close();
  }

  private void entry(int pasid, Translation after) {
    change(Requester.of(FUNCTION, pasid), after);
  }

  private void change(Requester requester, Translation after) {
    tables.entryChanged(new EntryChange(requester, Translation.Absent.ABSENT, after, false, true));
  }

  private static Translation firstStage(int domain, long pointer) {
    return new Translation.FirstStage(
        domain, new FirstStageTable(pointer, 48, false, false, false), false, false);
  }

  private Optional<HwptId> on(int pasid) {
    return device.look(new Pasid(pasid));
  }

  private void attach(int pasid, Translation translation) {
    entry(pasid, translation);
    tables.sync();
  }

  @Test
  void pasidsAreOnNestedPageTablesOfTheirOwnUntilTheirEntriesGo() {
    attach(7, firstStage(2, MEMORY));
    attach(9, firstStage(2, MEMORY));
    assertThat(on(7)).isPresent();
    assertThat(on(9)).isPresent().isNotEqualTo(on(7));

    attach(7, Translation.Absent.ABSENT);
    assertThat(on(7)).isEmpty();
    assertThat(on(9)).isPresent();
  }

  @Test
  void anEntryThatChangesIsReplacedAndOneThatComesBackHasItsPageTableAgain() {
    attach(7, firstStage(2, MEMORY));
    HwptId before = on(7).orElseThrow();
    entry(7, Translation.Absent.ABSENT);
    entry(7, firstStage(3, MEMORY + 0x1000));
    tables.sync();

    HwptId after = on(7).orElseThrow();
    assertThat(after).isNotEqualTo(before);
    assertThat(device.hasCached(after, 0, MockFormat.CACHED)).isTrue();

    attach(7, firstStage(2, MEMORY));
    assertThat(on(7)).contains(before);
  }

  /// The mock IOMMU fails every replacement of PASID 1024.
  @Test
  void aReplaceThatTheKernelRefusesLeavesThePasidBlocked() {
    attach(1024, firstStage(2, MEMORY));
    attach(1024, firstStage(3, MEMORY + 0x1000));

    assertThat(on(1024)).isEmpty();
    assertThat(refused).extracting(RefusedEntry::errno).containsExactly(Errno.ENOMEM);
    assertThat(reported).containsExactly(Requester.of(FUNCTION, 1024));

    attach(1024, firstStage(3, MEMORY + 0x1000));
    assertThat(on(1024)).isPresent();
  }

  @Test
  void invalidationsReachTheMockIotlbAtTheWaitPoint() {
    attach(7, firstStage(2, MEMORY));
    HwptId pageTable = on(7).orElseThrow();

    tables.invalidatePasidPages(2, 7, 0x1000, 1, true);
    tables.invalidatePasidPages(2, 7, 0x3000, 1, true);
    assertThat(cached(pageTable)).containsExactly(true, true, true, true);
    tables.sync();
    assertThat(cached(pageTable)).containsExactly(true, false, true, false);

    tables.invalidateAll();
    tables.sync();
    assertThat(cached(pageTable)).containsExactly(false, false, false, false);
  }

  private boolean[] cached(HwptId pageTable) {
    boolean[] cached = new boolean[4];
    for (int i = 0; i < cached.length; i++) {
      cached[i] = device.hasCached(pageTable, i, MockFormat.CACHED);
    }
    return cached;
  }

  /// The mock IOTLB has four entries: the kernel refuses to invalidate the fifth, handles those
  /// before it, and everything is invalidated then.
  @Test
  void anInvalidationThatTheKernelBreaksOffBecomesOneOfEverything() {
    attach(7, firstStage(2, MEMORY));

    tables.invalidatePasidPages(2, 7, 0x1000, 1, true);
    tables.invalidatePasidPages(2, 7, 0x4000, 1, true);
    tables.sync();

    assertThat(cached(on(7).orElseThrow())).containsExactly(false, false, false, false);
    assertThat(refused).isEmpty();
  }

  @Test
  void pageRequestsGoToTheGuestAndItsAnswersToTheKernel() {
    attach(7, firstStage(2, MEMORY));

    device.request(new Pasid(7), 3, PageFault.READ, 0x7000);
    tables.drainPageRequests();
    tables.sync();
    assertThat(reported)
        .containsExactly(
            new PageRequest(Requester.of(FUNCTION, 7), 3, true, 0x7000, true, false, false, false));

    tables.pageResponse(new PageResponse(Requester.of(FUNCTION, 7), 3, PageResponse.Code.SUCCESS));
    attach(7, Translation.Absent.ABSENT);
    assertThat(on(7)).isEmpty();
  }

  @Test
  void functionsBehindIommusThatAreAlikeShareThePageTableOfTheGuestsMemory() {
    SourceId id = new SourceId(0x28);
    Requester itself = Requester.of(id, 0);
    Requester passing = Requester.of(id, 5);
    Translation through = new Translation.PassThrough(2, false);
    try (PassthroughFunction second =
        PassthroughFunction.open(iommufd, new PciAddress(0, 0, 0, 3), FunctionOptions.defaults())) {
      tables.cover(id, second);
      change(itself, Translation.Untranslated.UNTRANSLATED);
      change(passing, through);
      attach(5, through);

      assertThat(((MockDevice) second.device()).look(new Pasid(5))).isPresent().isEqualTo(on(5));

      change(Requester.of(id, 7), firstStage(2, MEMORY));
      tables.sync();
      assertThat(((MockDevice) second.device()).look(new Pasid(7))).isPresent();
      tables.uncover(id);
    }
    assertThat(refused).isEmpty();
    assertThat(on(5)).isPresent();
  }

  @Test
  void secondStagesAreShadowed() throws GuestMemoryException {
    close();
    open(TranslationMode.Kind.SHADOW);
    long entries = MEMORY;
    for (int level = 4; level > 1; level--) {
      // The I/O address is 2^24: the first entry of each level, but for level 2.
      long slot = entries + (level == 2 ? 8 * 8 : 0);
      memory.storeLong(slot, entries + 0x1000 | 3);
      entries += 0x1000;
    }
    memory.storeLong(entries, MEMORY + 0x10_0000 | 3);

    attach(
        7, new Translation.SecondStage(2, new SecondStageTable(MEMORY, 48, false), false, false));
    HwptId pageTable = on(7).orElseThrow();

    assertThat(refused).isEmpty();
    attach(
        8, new Translation.SecondStage(2, new SecondStageTable(MEMORY, 48, false), false, false));
    assertThat(on(8)).contains(pageTable);
  }
}
