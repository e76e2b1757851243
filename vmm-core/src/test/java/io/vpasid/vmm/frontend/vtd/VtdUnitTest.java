package io.vpasid.vmm.frontend.vtd;

import static io.vpasid.vmm.frontend.vtd.Guest.FUNCTION;
import static org.assertj.core.api.Assertions.assertThat;

import io.vpasid.vmm.frontend.vtd.Requester.Itself;
import io.vpasid.vmm.frontend.vtd.Requester.WithPasid;
import io.vpasid.vmm.frontend.vtd.Translation.Absent;
import io.vpasid.vmm.frontend.vtd.Translation.FirstStage;
import io.vpasid.vmm.frontend.vtd.Translation.Untranslated;
import java.nio.ByteBuffer;
import java.util.List;
import org.junit.jupiter.api.Test;

/// What a unit tells its backend while a driver does what drivers do.
class VtdUnitTest {
  private final Guest guest = new Guest(VtdCapabilities.emulated());

  @Test
  void aFunctionIsUntranslatedUntilTheDriverSwitchesTranslationOn() {
    VtdUnit unit = guest.unit;
    SourceId other = new SourceId(0x108);
    unit.cover(other).join();
    assertThat(guest.backend.lines()).containsExactly("01:01.0: absent -> untranslated", "sync");
  }

  @Test
  void switchingOnBlocksWhatHasNoEntry() {
    guest.enableQueue(true);
    guest.setRoot(1);
    guest.backend.clear();
    guest.write4(RegisterOffset.GCMD, CommandRegisters.QIE | CommandRegisters.TE);
    assertThat(guest.backend.lines()).containsExactly("00:04.0: untranslated -> absent", "sync");
    assertThat(guest.read4(RegisterOffset.GSTS))
        .isEqualTo(CommandRegisters.QIE | CommandRegisters.TE | CommandRegisters.SRTP);
  }

  @Test
  void entriesAreToldAsTheyComeAndGo() {
    guest.enable(1);
    guest.context(8);
    guest.entry(0, Guest.firstStage(2, 0x7000));
    guest.put(1 | 3 << 4 | (long) FUNCTION.value() << 32, 0);
    guest.put(7 | 3 << 4, 0);
    guest.await(1);
    guest.entry(7, Guest.firstStage(3, 0x8000));
    guest.invalidatePasidCache(7);
    guest.entry(7, Guest.passThrough(1));
    guest.invalidatePasidCache(7);
    guest.entry(7, 0, 0, 0);
    guest.invalidatePasidCache(7);
    guest.write4(RegisterOffset.GCMD, CommandRegisters.QIE);
    assertThat(guest.backend.lines())
        .containsExactly(
            "00:04.0: absent -> first stage 2",
            "sync",
            "00:04.0 PASID 7: absent -> first stage 3",
            "sync",
            "00:04.0 PASID 7: first stage 3 -> pass-through 1",
            "sync",
            "00:04.0 PASID 7: pass-through 1 -> absent",
            "sync",
            "page requests dropped",
            "00:04.0: first stage 2 -> untranslated",
            "sync");
  }

  @Test
  void aChangeSaysExactlyWhatTheEntrySays() {
    guest.enable(1);
    guest.context(8 | 4 | 0x10);
    guest.entry(5, 1 | 1 << 6, 9 | 1 << 23 | 1 << 24, 0x7000 | 1 << 7 | 1 << 4 | 1 << 2 | 1);
    guest.invalidatePasidCache(5);
    assertThat(guest.backend.changes())
        .containsExactly(
            new EntryChange(
                new WithPasid(FUNCTION, 5),
                Absent.ABSENT,
                new FirstStage(9, new FirstStageTable(0x7000, 57, true, true, true), true, true),
                true,
                true));
  }

  @Test
  void anEntryThatIsTheSameAsBeforeIsNotTold() {
    guest.enable(1);
    guest.context(8);
    guest.entry(7, Guest.firstStage(3, 0x8000));
    guest.invalidatePasidCache(7);
    guest.backend.clear();
    guest.invalidatePasidCache(7);
    guest.put(7 | 3 << 4, 0);
    guest.await(2);
    assertThat(guest.backend.lines()).containsExactly("sync", "sync");
  }

  @Test
  void twoChangesBeforeTheUnitLooksAreOne() {
    guest.enable(1);
    guest.context(8);
    guest.entry(7, Guest.firstStage(3, 0x8000));
    guest.invalidatePasidCache(7);
    guest.backend.clear();
    guest.entry(7, 0, 0, 0);
    guest.put(7 | 1 << 4 | 7L << 32, 0);
    guest.entry(7, Guest.firstStage(4, 0x9000));
    guest.put(7 | 1 << 4 | 7L << 32, 0);
    guest.await(1);
    assertThat(guest.backend.lines())
        .containsExactly("00:04.0 PASID 7: first stage 3 -> first stage 4", "sync");
  }

  @Test
  void takingPasidsAwayFromAFunctionMakesThemAbsent() {
    guest.enable(1);
    guest.context(8);
    guest.entry(0, Guest.firstStage(2, 0x7000));
    guest.entry(7, Guest.firstStage(3, 0x8000));
    guest.entry(1000000, Guest.firstStage(3, 0x8000));
    guest.put(7 | 3 << 4, 0);
    guest.await(1);
    guest.backend.clear();
    guest.context(0);
    guest.put(1 | 3 << 4 | (long) FUNCTION.value() << 32, 0);
    guest.await(2);
    assertThat(guest.backend.lines())
        .containsExactly(
            "00:04.0 PASID 7: first stage 3 -> absent",
            "00:04.0 PASID 1000000: first stage 3 -> absent",
            "sync");
  }

  @Test
  void wideInvalidationsInARowCostOneScan() {
    guest.enable(1);
    guest.context(8);
    guest.entry(7, Guest.firstStage(3, 0x8000));
    for (int i = 0; i < 50; i++) {
      guest.put(7 | 3 << 4, 0);
    }
    guest.put(6 | 2 << 4 | 3 << 16 | 7L << 32, 0);
    guest.await(1);
    assertThat(guest.backend.lines())
        .containsExactly(
            "00:04.0 PASID 7: absent -> first stage 3", "invalidate domain 3 PASID 7", "sync");
  }

  @Test
  void legacyModeTranslatesTheFunctionItself() {
    guest.enable(0);
    guest.store(Guest.ROOT, Guest.CONTEXT | 1, 0);
    guest.store(Guest.CONTEXT + FUNCTION.deviceFunction() * 16L, 0x7000 | 1, 5 << 8 | 2);
    guest.put(1 | 3 << 4 | (long) FUNCTION.value() << 32, 0);
    guest.await(1);
    assertThat(guest.backend.changes())
        .containsExactly(
            new EntryChange(
                new Itself(FUNCTION),
                Absent.ABSENT,
                new Translation.SecondStage(
                    5, new SecondStageTable(0x7000, 48, false), false, true),
                false,
                false));
  }

  @Test
  void resetLeavesNothing() {
    guest.enable(1);
    guest.context(8);
    guest.entry(0, Guest.firstStage(2, 0x7000));
    guest.entry(7, Guest.firstStage(3, 0x8000));
    guest.write4(RegisterOffset.FECTL, 0);
    guest.put(7 | 3 << 4, 0);
    guest.await(1);
    guest.queue(0, 0);
    guest.unit.fault(
        new Fault(new Itself(FUNCTION), FaultReason.NO_READ, Fault.Access.READ, 0, false, false));
    guest.backend.clear();
    guest.unit.reset().join();
    assertThat(guest.backend.lines())
        .containsExactly(
            "00:04.0: first stage 2 -> untranslated",
            "00:04.0 PASID 7: first stage 3 -> absent",
            "page requests dropped",
            "sync");
    VtdUnit fresh = new Guest(VtdCapabilities.emulated()).unit;
    for (int offset = 0; offset < VtdUnit.REGISTER_PAGE_SIZE; offset += 8) {
      assertThat(guest.read8(offset)).as("%x", offset).isEqualTo(fresh.readRegister(offset, 8));
    }
  }

  @Test
  void aDriverCanBeginAnewAfterReset() {
    guest.enable(1);
    guest.await(1);
    guest.unit.reset().join();
    guest.enable(1);
    guest.await(2);
    assertThat(guest.status()).isEqualTo(2);
  }

  @Test
  void closingLeavesEveryFunctionAbsent() {
    guest.enable(1);
    guest.context(8);
    guest.entry(0, Guest.firstStage(2, 0x7000));
    guest.entry(7, Guest.firstStage(3, 0x8000));
    guest.put(7 | 3 << 4, 0);
    guest.await(1);
    guest.backend.clear();
    guest.unit.close();
    assertThat(guest.backend.changes())
        .extracting(EntryChange::after)
        .containsExactly(Absent.ABSENT, Absent.ABSENT);
    assertThat(guest.backend.lines()).last().isEqualTo("sync");
  }

  @Test
  void aClosedUnitDoesNothingAndBlocksDma() {
    guest.unit.close();
    guest.unit.close();
    guest.backend.clear();
    guest.enableQueue(true);
    guest.setRoot(1);
    guest.await(1);
    assertThat(guest.status()).isZero();
    assertThat(guest.backend.lines()).isEmpty();
    assertThat(guest.unit.cover(FUNCTION)).isCompletedExceptionally();
    assertThat(guest.unit.status()).isCompletedExceptionally();
    assertThat(guest.unit.dma(FUNCTION).read(0, 0x5000, ByteBuffer.allocate(1)))
        .isEqualTo(new DmaOutcome.Faulted(FaultReason.ROOT_TABLE_ADDRESS_INVALID, 0x5000, 0));
  }

  @Test
  void aFunctionThatLeavesBecomesAbsent() {
    guest.unit.uncover(FUNCTION).join();
    assertThat(guest.backend.lines()).containsExactly("00:04.0: untranslated -> absent", "sync");
    assertThat(guest.backend.changes())
        .extracting(EntryChange::before)
        .containsExactly(Untranslated.UNTRANSLATED);
  }

  @Test
  void theStatusSaysWhatTheBackendKnowsAndWhatWasCounted() {
    guest.enable(1);
    guest.context(8 | 4 | 0x10);
    guest.entry(0, Guest.firstStage(2, 0x7000));
    guest.entry(7, Guest.passThrough(1));
    guest.put(7 | 3 << 4, 0);
    guest.await(1);
    guest.queue(0, 0);
    for (int i = 0; i < 10; i++) {
      guest.unit.attachRefused(new Itself(FUNCTION));
    }
    guest.write8(RegisterOffset.PQA, Guest.PAGE_QUEUE);
    guest.write4(RegisterOffset.PQH, 64);
    for (int i = 0; i < 4; i++) {
      guest.unit.requestPage(
          new PageRequest(new Itself(FUNCTION), 0, true, 0, true, false, false, false));
    }
    VtdStatus status = guest.unit.status().join();
    assertThat(status.mode()).isEqualTo(VtdStatus.Mode.SCALABLE);
    assertThat(status.rootTable()).isEqualTo(Guest.ROOT);
    assertThat(status.translating()).isTrue();
    assertThat(status.entries())
        .containsExactly(
            new VtdStatus.Entry(
                new Itself(FUNCTION),
                new FirstStage(
                    2, new FirstStageTable(0x7000, 48, false, false, false), false, true),
                true,
                true),
            new VtdStatus.Entry(
                new WithPasid(FUNCTION, 7), new Translation.PassThrough(1, false), true, true));
    // Entry changes: covered, switched on, and the two.
    assertThat(status.counters())
        .isEqualTo(new VtdStatus.Counters(2, 1, 1, 4, FaultLog.RECORDS, 2, 1, 3));
  }

  @Test
  void pasidsBeyondTheLimitAreRefusedWithOneFault() {
    Guest limited = new Guest(VtdCapabilities.emulated());
    VtdUnit unit =
        new VtdUnit(
            VtdCapabilities.emulated(),
            limited.memory,
            limited.backend,
            (address, data) -> {},
            Runnable::run,
            2);
    unit.cover(FUNCTION).join();
    limited.context(8);
    for (int pasid = 0; pasid < 6; pasid++) {
      limited.entry(pasid, Guest.firstStage(3, 0x8000));
    }
    limited.backend.clear();
    unit.writeRegister(RegisterOffset.RTADDR, 8, Guest.ROOT | 1 << 10);
    unit.writeRegister(RegisterOffset.GCMD, 4, CommandRegisters.SRTP);
    unit.writeRegister(RegisterOffset.GCMD, 4, 1L << 31);
    assertThat(limited.backend.lines())
        .containsExactly(
            "sync",
            "00:04.0: untranslated -> first stage 3",
            "00:04.0 PASID 1: absent -> first stage 3",
            "00:04.0 PASID 2: absent -> first stage 3",
            "sync");
    assertThat(unit.readRegister(RegisterOffset.FSTS, 4)).isEqualTo(FaultLog.PPF);
    assertThat(unit.readRegister(RegisterOffset.FRCD + 8, 8))
        .isEqualTo(1L << 63 | 1L << 62 | 3L << 40 | 0x5bL << 32 | 1L << 31 | 0x20);
  }

  @Test
  void theWayToAnEntryIsShownAsItStandsInMemory() {
    guest.enable(1);
    guest.context(8);
    guest.entry(7, Guest.firstStage(3, 0x8000));

    List<GuestEntry> path = guest.unit.guestEntries(new WithPasid(FUNCTION, 7));

    assertThat(path)
        .extracting(GuestEntry::table)
        .containsExactly(
            GuestEntry.Table.ROOT,
            GuestEntry.Table.CONTEXT,
            GuestEntry.Table.DIRECTORY,
            GuestEntry.Table.PASID);
    assertThat(path.getLast().address()).isEqualTo(guest.entryAddress(7));
    assertThat(path.getLast().words().subList(0, 3))
        .containsExactly(
            guest.load(guest.entryAddress(7)),
            guest.load(guest.entryAddress(7) + 8),
            guest.load(guest.entryAddress(7) + 16));
  }

  @Test
  void theWayEndsWhereATableIsMissingOrNoMemory() {
    guest.enable(1);

    assertThat(guest.unit.guestEntries(new WithPasid(FUNCTION, 7)).getLast().words().getFirst() & 1)
        .isZero();
    assertThat(guest.unit.guestEntries(new WithPasid(new SourceId(0xff00), 7))).hasSize(1);
  }
}
