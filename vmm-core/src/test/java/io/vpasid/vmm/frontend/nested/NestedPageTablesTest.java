package io.vpasid.vmm.frontend.nested;

import static io.vpasid.vmm.frontend.nested.GuestRig.ADDRESS;
import static io.vpasid.vmm.frontend.nested.GuestRig.FUNCTION;
import static io.vpasid.vmm.frontend.nested.GuestRig.absent;
import static io.vpasid.vmm.frontend.nested.GuestRig.firstStage;
import static io.vpasid.vmm.frontend.nested.GuestRig.secondStage;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vpasid.pci.PciAddress;
import io.vpasid.vmm.FunctionOptions;
import io.vpasid.vmm.frontend.vtd.Requester;
import io.vpasid.vmm.frontend.vtd.SourceId;
import io.vpasid.vmm.frontend.vtd.Translation;
import io.vpasid.vmm.iommufd.HwptData;
import io.vpasid.vmm.iommufd.HwptId;
import io.vpasid.vmm.iommufd.Invalidation.VtdS1.Entry;
import io.vpasid.vmm.iommufd.IommufdException;
import io.vpasid.vmm.iommufd.Pasid;
import io.vpasid.vmm.iommufd.simulated.HardwareChange;
import io.vpasid.vmm.iommufd.simulated.Request;
import io.vpasid.vmm.iommufd.simulated.SimulatedPageTable;
import io.vpasid.vmm.linux.Errno;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/// What a guest with a first stage gets on a host that nests, as the simulated hardware shows it.
class NestedPageTablesTest {
  private static final long TABLE_A = 0x10_0000;
  private static final long TABLE_B = 0x20_0000;

  /// Users of an object that could be destroyed.
  private static final int UNUSED = 1;

  private final GuestRig guest = new GuestRig(TranslationMode.Kind.NESTED);
  private final GuestPageTables tables = guest.tables;

  @AfterEach
  void close() {
    guest.close();
    assertThat(guest.host.nothingAttached(ADDRESS)).isTrue();
    assertThat(guest.iommufd.objects()).isEmpty();
    assertThat(guest.host.pinnedBytes()).isZero();
  }

  private SimulatedPageTable pageTable(int pasid) {
    return guest.iommufd.pageTable(guest.attached(pasid).orElseThrow()).orElseThrow();
  }

  private void attach(int pasid, Translation translation) {
    guest.entry(pasid, translation);
    tables.sync();
  }

  @Test
  void anUntranslatedFunctionReachesTheGuestsMemory() {
    assertThat(pageTable(0))
        .isEqualTo(new SimulatedPageTable(HwptData.None.NONE, guest.ioas, true, true, false));
  }

  @Test
  void aFirstStageEntryIsAPageTableNestedOnTheGuestsMemory() {
    HwptId memory = guest.attached(0).orElseThrow();

    attach(5, firstStage(2, TABLE_A));

    long flags = HwptData.VtdS1.SRE | HwptData.VtdS1.WPE;
    assertThat(pageTable(5))
        .isEqualTo(
            new SimulatedPageTable(
                new HwptData.VtdS1(flags, TABLE_A, 48), memory, true, false, false));
    assertThat(guest.attached(0)).contains(memory);
    assertThat(guest.function.attachments().snapshot()).hasSize(1);
  }

  @Test
  void theFunctionItselfIsNestedTooAndGoesBackToItsMemory() {
    attach(0, firstStage(2, TABLE_A));
    assertThat(pageTable(0).data()).isInstanceOf(HwptData.VtdS1.class);

    attach(0, Translation.Untranslated.UNTRANSLATED);
    assertThat(pageTable(0).data()).isEqualTo(HwptData.None.NONE);
  }

  @Test
  void aPassThroughEntryReachesTheGuestsMemory() {
    attach(5, new Translation.PassThrough(3, false));

    assertThat(guest.attached(5)).isEqualTo(guest.attached(0));
  }

  @Test
  void anEntryThatGoesIsBlockedAndNothingUsesItsPageTable() {
    attach(5, firstStage(2, TABLE_A));
    HwptId pageTable = guest.attached(5).orElseThrow();

    attach(5, absent());

    assertThat(guest.attached(5)).isEmpty();
    assertThat(guest.iommufd.users(pageTable)).isEqualTo(UNUSED);
  }

  @Test
  void anAddressSpaceThatIsEnteredAgainHasThePageTableThatItHad() {
    attach(5, firstStage(2, TABLE_A));
    HwptId pageTable = guest.attached(5).orElseThrow();
    attach(5, absent());

    attach(6, firstStage(2, TABLE_A));

    assertThat(guest.attached(6)).contains(pageTable);
    assertThat(guest.invalidations).isEmpty();
  }

  @Test
  void aPageTableWithOtherAttributesIsAnother() {
    attach(5, firstStage(2, TABLE_A));
    HwptId pageTable = guest.attached(5).orElseThrow();
    attach(5, absent());

    attach(5, firstStage(3, TABLE_A));

    assertThat(guest.attached(5)).isPresent().isNotEqualTo(java.util.Optional.of(pageTable));
  }

  @Test
  void aPageTableThatWasKeptIsInvalidatedAgainOnceItIsInUse() {
    attach(5, firstStage(2, TABLE_A));
    tables.invalidatePasid(2, 5);
    attach(5, absent());
    attach(5, firstStage(2, TABLE_A));

    tables.invalidatePasidPages(2, 5, 0x1000, 1, true);
    tables.sync();

    assertThat(guest.invalidations)
        .containsExactly(
            new GuestRig.Sent(
                guest.attached(5).orElseThrow(), java.util.List.of(new Entry(0x1000, 1, 1))));
  }

  @Test
  void aGuestThatGoesThroughManyAddressSpacesLeavesFewPageTables() {
    attach(5, firstStage(2, TABLE_A));
    int before = guest.iommufd.objects().size();

    for (int i = 1; i <= 10 * SpareTables.PLACES; i++) {
      attach(5, firstStage(2, TABLE_A + i * 0x1000L));
    }

    assertThat(guest.iommufd.objects()).hasSizeLessThanOrEqualTo(before + SpareTables.PLACES);
  }

  @Test
  void pageTablesThatAreKeptGoWhenTheGuestInvalidatesEverything() {
    int before = guest.iommufd.objects().size();
    attach(5, firstStage(2, TABLE_A));
    attach(6, firstStage(2, TABLE_B));
    attach(5, absent());
    assertThat(guest.iommufd.objects()).hasSize(before + 2);

    guest.entry(6, absent());
    tables.invalidateAll();
    assertThat(guest.iommufd.objects()).hasSize(before + 2);
    tables.sync();

    assertThat(guest.iommufd.objects()).hasSize(before);
  }

  @Test
  void nothingHappensBeforeTheWaitPoint() {
    guest.hardware.clear();
    guest.entry(5, firstStage(2, TABLE_A));

    assertThat(guest.hardware).isEmpty();
  }

  @Test
  void anEntryThatChangesInTwoStepsBetweenWaitPointsIsOneReplace() {
    attach(5, firstStage(2, TABLE_A));
    HwptId before = guest.attached(5).orElseThrow();
    guest.hardware.clear();

    guest.entry(5, absent());
    guest.entry(5, firstStage(3, TABLE_B));
    tables.sync();

    assertThat(guest.hardware)
        .containsExactly(
            new HardwareChange.Translated(ADDRESS, new Pasid(5), guest.attached(5).orElseThrow()));
    assertThat(pageTable(5).data())
        .isInstanceOfSatisfying(
            HwptData.VtdS1.class, data -> assertThat(data.pageTableAddress()).isEqualTo(TABLE_B));
    assertThat(guest.iommufd.users(before)).isEqualTo(UNUSED);
  }

  @Test
  void anEntryThatIsGoneAtAWaitPointIsBlockedThere() {
    attach(5, firstStage(2, TABLE_A));
    guest.hardware.clear();

    attach(5, absent());
    attach(5, firstStage(3, TABLE_B));

    assertThat(guest.hardware)
        .containsExactly(
            new HardwareChange.Blocked(ADDRESS, new Pasid(5)),
            new HardwareChange.Translated(ADDRESS, new Pasid(5), guest.attached(5).orElseThrow()));
  }

  @Test
  void anEntryThatComesBackAsItWasOnlyLosesWhatIsCached() {
    attach(5, firstStage(2, TABLE_A));
    HwptId pageTable = guest.attached(5).orElseThrow();
    guest.hardware.clear();

    guest.entry(5, absent());
    guest.entry(5, firstStage(2, TABLE_A));
    tables.sync();

    assertThat(guest.hardware).isEmpty();
    assertThat(guest.invalidations)
        .containsExactly(new GuestRig.Sent(pageTable, java.util.List.of(Entry.ALL)));
  }

  @Test
  void aReplaceThatTheHostRefusesLeavesThePasidBlockedWithAFaultAndTheErrno() {
    attach(5, firstStage(2, TABLE_A));
    int objects = guest.iommufd.objects().size();
    guest.host.failures().failDriver(Errno.ENOMEM);

    attach(5, firstStage(3, TABLE_B));

    assertThat(guest.attached(5)).isEmpty();
    assertThat(guest.function.attachments().isAttached(new Pasid(5))).isFalse();
    assertThat(guest.reported).containsExactly(Requester.of(FUNCTION, 5));
    assertThat(guest.refused)
        .singleElement()
        .satisfies(refused -> {
          assertThat(refused.errno()).isEqualTo(Errno.ENOMEM);
          assertThat(refused.wanted()).isEqualTo(firstStage(3, TABLE_B));
          assertThat(refused.text())
              .startsWith("6a:01.0 PASID 5 is blocked, because VFIO_DEVICE_ATTACH_IOMMUFD_PT")
              .endsWith("failed with ENOMEM (12).");
        });
    assertThat(guest.iommufd.objects()).hasSizeLessThanOrEqualTo(objects + 1);

    attach(5, firstStage(3, TABLE_B));
    assertThat(guest.attached(5)).isPresent();
  }

  @Test
  void aReplaceOfTheFunctionItselfThatTheHostRefusesLeavesItBlocked() {
    guest.host.failures().failNext(Request.ATTACH, Errno.EINVAL);

    attach(0, firstStage(2, TABLE_A));

    assertThat(guest.attached(0)).isEmpty();
    assertThat(guest.reported).containsExactly(Requester.of(FUNCTION, 0));
  }

  @Test
  void aPageTableThatCannotBeMadeLeavesThePasidBlocked() {
    attach(5, firstStage(2, TABLE_A));
    guest.host.failures().failNext(Request.HWPT_ALLOC, Errno.ENOSPC);

    attach(5, firstStage(3, TABLE_B));

    assertThat(guest.attached(5)).isEmpty();
    assertThat(guest.refused).extracting(RefusedEntry::errno).containsExactly(Errno.ENOSPC);
  }

  @Test
  void aWaitIsNotOverWhileSomethingCannotBeBlocked() {
    attach(5, firstStage(2, TABLE_A));
    guest.host.failures().failNext(Request.DETACH_PASID, Errno.EIO);
    guest.entry(5, absent());

    assertThatThrownBy(tables::sync).isInstanceOf(IommufdException.class);
    assertThat(guest.attached(5)).isPresent();

    tables.sync();
    assertThat(guest.attached(5)).isEmpty();
  }

  @Test
  void whatTheGuestWasNotOfferedIsRefused() {
    attach(
        5,
        new Translation.Nested(
            2, firstStage(2, TABLE_A).table(), secondStage(2, TABLE_B).table(), false, false));

    assertThat(guest.attached(5)).isEmpty();
    assertThat(guest.refused).extracting(RefusedEntry::errno).containsExactly(Errno.EOPNOTSUPP);
  }

  @Test
  void theQuotaOfTheFunctionHolds() {
    try (GuestRig limited =
        new GuestRig(
            TranslationMode.Kind.NESTED, Bounds.DEFAULT, FunctionOptions.defaults().withQuota(1))) {
      limited.entry(5, firstStage(2, TABLE_A));
      limited.entry(6, firstStage(2, TABLE_A));
      limited.tables.sync();

      assertThat(limited.host.attachedPasids(ADDRESS)).containsExactly(new Pasid(5));
      assertThat(limited.refused).extracting(RefusedEntry::errno).containsExactly(Errno.ENOSPC);
      assertThat(limited.reported).containsExactly(Requester.of(FUNCTION, 6));
    }
  }

  @Test
  void aGuestMayWriteEntriesBeforeItEnablesPasids() {
    guest.function.resetRegisters();

    attach(5, firstStage(2, TABLE_A));

    assertThat(guest.attached(5)).isPresent();
    assertThat(guest.refused).isEmpty();
  }

  // Functions of one guest

  private static final PciAddress SECOND = new PciAddress(0, 0x6b, 0, 0);

  @Test
  void functionsBehindIommusThatAreAlikeShareThePageTableOfTheGuestsMemory() {
    HwptId memory = guest.attached(0).orElseThrow();

    guest.cover(SECOND, FunctionOptions.defaults());

    assertThat(guest.host.attachment(SECOND, new Pasid(0))).contains(memory);
    SourceId second = SourceId.of(SECOND);
    guest.entry(Requester.of(second, 5), firstStage(2, TABLE_A));
    tables.sync();
    HwptId nested = guest.host.attachment(SECOND, new Pasid(5)).orElseThrow();
    assertThat(guest.iommufd.pageTable(nested).orElseThrow().on()).isEqualTo(memory);
  }

  @Test
  void aSharedPageTableStaysUntilTheLastFunctionGoes() {
    HwptId memory = guest.attached(0).orElseThrow();
    guest.cover(SECOND, FunctionOptions.defaults());

    tables.uncover(FUNCTION);

    assertThat(guest.attached(0)).isEmpty();
    assertThat(guest.host.attachment(SECOND, new Pasid(0))).contains(memory);

    tables.uncover(SourceId.of(SECOND));

    assertThat(guest.iommufd.pageTable(memory)).isEmpty();
  }

  // Invalidations

  @Test
  void rangesOfOnePageTableAreOneRequestAtTheWaitPoint() {
    attach(5, firstStage(2, TABLE_A));
    attach(6, firstStage(3, TABLE_B));

    tables.invalidatePasidPages(2, 5, 0x1000, 1, true);
    tables.invalidatePasidPages(2, 5, 0x10_0000, 16, false);
    tables.invalidateDeviceTlb(FUNCTION, 5, 0x10_0000, 16);
    tables.invalidatePasidPages(3, 5, 0x2000, 1, true);
    tables.invalidatePasid(2, 6);
    assertThat(guest.invalidations).isEmpty();
    tables.sync();

    assertThat(guest.invalidations)
        .containsExactly(
            new GuestRig.Sent(
                guest.attached(5).orElseThrow(),
                java.util.List.of(new Entry(0x1000, 1, 1), new Entry(0x10_0000, 16, 0))));
  }

  @Test
  void manyRangesAreEverything() {
    attach(5, firstStage(2, TABLE_A));

    for (int i = 0; i <= InvalidationBatch.MAX_ENTRIES; i++) {
      tables.invalidatePasidPages(2, 5, i * 0x2000L, 1, true);
    }
    tables.sync();

    assertThat(guest.invalidations)
        .extracting(GuestRig.Sent::entries)
        .containsExactly(java.util.List.of(Entry.ALL));
  }

  @Test
  void aDomainsInvalidationIsForAllItsPageTablesAndAGlobalOneForAll() {
    attach(5, firstStage(2, TABLE_A));
    attach(6, firstStage(2, TABLE_A));
    attach(7, firstStage(3, TABLE_B));

    tables.invalidateDomain(2);
    tables.sync();
    assertThat(guest.invalidations)
        .extracting(GuestRig.Sent::pageTable)
        .containsExactlyInAnyOrder(
            guest.attached(5).orElseThrow(), guest.attached(6).orElseThrow());

    guest.invalidations.clear();
    tables.invalidateAll();
    tables.sync();
    assertThat(guest.invalidations).hasSize(3);
  }

  @Test
  void whatTheKernelDidNotHandleIsInvalidatedAsAWhole() {
    attach(5, firstStage(2, TABLE_A));
    guest.handled = sent -> sent == 2 ? 1 : sent;

    tables.invalidatePasidPages(2, 5, 0x1000, 1, true);
    tables.invalidatePasidPages(2, 5, 0x3000, 1, true);
    tables.sync();

    assertThat(guest.invalidations).hasSize(2);
    assertThat(guest.invalidations.getLast().entries()).containsExactly(Entry.ALL);
    assertThat(guest.attached(5)).isPresent();
  }

  @Test
  void aPageTableThatCannotBeInvalidatedIsNotUsedAnyMore() {
    attach(5, firstStage(2, TABLE_A));
    guest.host.failures().failEvery(Request.INVALIDATE, Errno.EIO);

    tables.invalidatePasid(2, 5);
    tables.sync();

    assertThat(guest.attached(5)).isEmpty();
    assertThat(guest.refused).extracting(RefusedEntry::errno).containsExactly(Errno.EIO);
    guest.host.failures().clear();
  }

  @Test
  void aPageTableThatGoesNeedsNoInvalidation() {
    attach(5, firstStage(2, TABLE_A));

    tables.invalidatePasid(2, 5);
    attach(5, absent());

    assertThat(guest.invalidations).isEmpty();
  }
}
