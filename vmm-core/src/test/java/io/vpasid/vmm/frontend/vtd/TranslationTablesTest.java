package io.vpasid.vmm.frontend.vtd;

import static io.vpasid.vmm.frontend.vtd.Guest.FUNCTION;
import static org.assertj.core.api.Assertions.assertThat;

import io.vpasid.vmm.frontend.vtd.DmaOutcome.Faulted;
import java.nio.ByteBuffer;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/// Bad root, context, PASID directory and PASID table entries, with the fault that the
/// specification has for each (section 7.1.3), and what the backend is told: nothing to use.
class TranslationTablesTest {
  private static final long NOWHERE = 0x7f_0000_0000L;
  private static final int PASID = 7;

  /// A descriptor: all of the context cache is invalid.
  private static final long CONTEXT_OF_ALL = 1 | 1 << 4;

  private static Arguments bad(FaultReason reason, Consumer<Guest> spoil) {
    return Arguments.of(reason, spoil);
  }

  private static Arguments badEntry(FaultReason reason, int word, long bits) {
    return bad(
        reason,
        guest -> {
          long at = guest.entryAddress(PASID) + word * 8L;
          guest.store(at, guest.load(at) ^ bits);
        });
  }

  private static Arguments badContext(FaultReason reason, int word, long bits) {
    return bad(
        reason,
        guest -> {
          long at = Guest.contextEntry() + word * 8L;
          guest.store(at, guest.load(at) ^ bits);
        });
  }

  static Stream<Arguments> badTables() {
    return Stream.of(
        bad(FaultReason.ROOT_NOT_PRESENT, g -> g.store(Guest.ROOT, 0)),
        bad(FaultReason.ROOT_RESERVED, g -> g.store(Guest.ROOT, Guest.CONTEXT | 1 | 2)),
        bad(FaultReason.ROOT_RESERVED, g -> g.store(Guest.ROOT, Guest.CONTEXT | 0x801)),
        bad(FaultReason.CONTEXT_ACCESS, g -> g.store(Guest.ROOT, NOWHERE | 1)),
        badContext(FaultReason.CONTEXT_NOT_PRESENT, 0, 1),
        badContext(FaultReason.CONTEXT_RESERVED, 0, 1 << 5),
        badContext(FaultReason.CONTEXT_RESERVED, 0, 1 << 8),
        badContext(FaultReason.CONTEXT_RESERVED, 1, 1L << 20),
        badContext(FaultReason.CONTEXT_RESERVED, 1, 1L << 63),
        badContext(FaultReason.CONTEXT_RESERVED, 2, 1),
        badContext(FaultReason.CONTEXT_RESERVED, 3, 1L << 40),
        badContext(FaultReason.CONTEXT_RESERVED, 1, 1),
        badContext(FaultReason.CONTEXT_INVALID, 0, 0x10),
        badContext(FaultReason.PASID_DISABLED, 0, 8),
        bad(FaultReason.DIRECTORY_ACCESS, g -> g.store(Guest.contextEntry(), NOWHERE | 8 | 1)),
        bad(FaultReason.DIRECTORY_NOT_PRESENT, g -> g.store(Guest.DIRECTORY, 0)),
        bad(FaultReason.DIRECTORY_RESERVED, g -> g.store(Guest.DIRECTORY, 0x100000 | 5)),
        bad(FaultReason.PASID_ENTRY_ACCESS, g -> g.store(Guest.DIRECTORY, NOWHERE | 1)),
        badEntry(FaultReason.PASID_ENTRY_NOT_PRESENT, 0, 1),
        badEntry(FaultReason.PASID_ENTRY_RESERVED, 0, 1 << 5),
        badEntry(FaultReason.PASID_ENTRY_RESERVED, 0, 1 << 10),
        badEntry(FaultReason.PASID_ENTRY_RESERVED, 1, 1 << 16),
        badEntry(FaultReason.PASID_ENTRY_RESERVED, 1, 1 << 25),
        badEntry(FaultReason.PASID_ENTRY_RESERVED, 1, 1L << 63),
        badEntry(FaultReason.PASID_ENTRY_RESERVED, 2, 1 << 1),
        badEntry(FaultReason.PASID_ENTRY_RESERVED, 2, 1 << 8),
        badEntry(FaultReason.PASID_ENTRY_RESERVED, 3, 1),
        badEntry(FaultReason.PASID_ENTRY_RESERVED, 7, 1L << 63),
        badEntry(FaultReason.PASID_ENTRY_INVALID, 0, 1 << 6),
        badEntry(FaultReason.PASID_ENTRY_INVALID, 0, 4 << 6),
        badEntry(FaultReason.PASID_ENTRY_INVALID, 0, 7 << 6),
        badEntry(FaultReason.PASID_ENTRY_INVALID, 2, 2 << 2),
        badEntry(FaultReason.PASID_ENTRY_INVALID, 0, 2 << 6));
  }

  @ParameterizedTest
  @MethodSource("badTables")
  void aBadEntryFaultsAndIsAbsent(FaultReason reason, Consumer<Guest> spoil) {
    Guest guest = Guest.scalable(VtdCapabilities.emulated());
    guest.context(8);
    guest.entry(PASID, Guest.firstStage(2, guest.page()));
    guest.invalidatePasidCache(PASID);
    guest.backend.clear();
    spoil.accept(guest);
    guest.put(CONTEXT_OF_ALL, 0);
    guest.invalidatePasidCache(PASID);
    assertThat(guest.backend.lines())
        .containsExactly("00:04.0 PASID 7: first stage 2 -> absent", "sync");
    assertThat(guest.unit.dma(FUNCTION).read(PASID, 0x5000, ByteBuffer.allocate(1)))
        .isEqualTo(new Faulted(reason, 0x5000, 0));
    assertThat(guest.read4(RegisterOffset.FSTS)).isEqualTo(FaultLog.PPF);
    assertThat(guest.read4(RegisterOffset.FRCD + 12) & 0xff).isEqualTo(reason.code());
  }

  /// As in hardware that has a context cache (section 6.2.2.1).
  @Test
  void aContextEntryCountsUntilTheGuestInvalidatesIt() {
    Guest guest = Guest.scalable(VtdCapabilities.emulated());
    guest.context(8);
    guest.entry(PASID, Guest.firstStage(2, guest.page()));
    guest.invalidatePasidCache(PASID);
    guest.backend.clear();
    guest.store(Guest.contextEntry(), NOWHERE | 8 | 1);
    guest.entry(PASID, Guest.firstStage(3, guest.page()));
    guest.invalidatePasidCache(PASID);
    guest.put(CONTEXT_OF_ALL, 0);
    guest.await(2);
    assertThat(guest.backend.lines())
        .containsExactly(
            "00:04.0 PASID 7: first stage 2 -> first stage 3",
            "sync",
            "00:04.0 PASID 7: first stage 3 -> absent",
            "sync");
  }

  /// Whatever PGTT says.
  @ParameterizedTest
  @CsvSource({
    "true, 0, 7000, first stage 2 -> absent",
    "false, 2, 7000, second stage 2 -> absent",
    "false, 2, 4, second stage 2 -> absent",
    "false, 2, 10, second stage 2 -> absent",
  })
  void fieldsOfAStageThatIsNotOfferedAreReserved(
      boolean nested, int word, String bits, String told) {
    Guest guest =
        Guest.scalable(
            nested ? VtdCapabilities.nested(-1, -1, 20, true) : VtdCapabilities.shadow(20));
    guest.context(8);
    guest.entry(PASID, nested ? Guest.firstStage(2, 0x8000) : Guest.secondStage(2, 0x8000));
    guest.invalidatePasidCache(PASID);
    guest.backend.clear();
    long at = guest.entryAddress(PASID) + word * 8L;
    guest.store(at, guest.load(at) | Long.parseLong(bits, 16));
    guest.invalidatePasidCache(PASID);
    assertThat(guest.backend.lines()).containsExactly("00:04.0 PASID 7: " + told, "sync");
  }

  @Test
  void aRootTableThatIsNotInMemoryFaults() {
    Guest guest = new Guest(VtdCapabilities.emulated());
    guest.write8(RegisterOffset.RTADDR, NOWHERE | 1 << 10);
    guest.write4(RegisterOffset.GCMD, CommandRegisters.SRTP);
    guest.write4(RegisterOffset.GCMD, CommandRegisters.TE);
    assertThat(guest.unit.dma(FUNCTION).read(0, 0, ByteBuffer.allocate(1)))
        .isEqualTo(new Faulted(FaultReason.ROOT_ACCESS, 0, 0));
  }

  @Test
  void aModeThatIsNotOfferedFaults() {
    Guest guest = new Guest(VtdCapabilities.emulated());
    guest.setRoot(3);
    guest.write4(RegisterOffset.GCMD, CommandRegisters.TE);
    assertThat(guest.unit.dma(FUNCTION).read(0, 0, ByteBuffer.allocate(1)))
        .isEqualTo(new Faulted(FaultReason.ROOT_TABLE_ADDRESS_INVALID, 0, 0));
  }

  /// PDTS, and the first PASID beyond the directory: 2^(PDTS + 7) entries of 64.
  @ParameterizedTest
  @CsvSource({"0, 8192", "3, 65536", "6, 524288"})
  void aPasidBeyondTheDirectoryFaults(int pdts, int first) {
    Guest guest = Guest.scalable(VtdCapabilities.emulated());
    guest.context(8);
    guest.store(Guest.contextEntry(), Guest.DIRECTORY | pdts << 9 | 8 | 1);
    FunctionDma dma = guest.unit.dma(FUNCTION);
    assertThat(dma.read(first, 0, ByteBuffer.allocate(1)))
        .isEqualTo(new Faulted(FaultReason.PASID_BEYOND_DIRECTORY, 0, 0));
    assertThat(dma.read(first - 1, 0, ByteBuffer.allocate(1)))
        .isEqualTo(new Faulted(FaultReason.DIRECTORY_NOT_PRESENT, 0, 0));
  }

  @ParameterizedTest
  @CsvSource({"context, CONTEXT_NOT_PRESENT", "directory, DIRECTORY_NOT_PRESENT"})
  void faultProcessingCanBeDisabledAtEachLevelEvenInAnEntryThatIsNotPresent(
      String level, FaultReason reason) {
    Guest guest = Guest.scalable(VtdCapabilities.emulated());
    guest.context(8);
    guest.store(level.equals("context") ? Guest.contextEntry() : Guest.DIRECTORY, 2);
    assertThat(guest.unit.dma(FUNCTION).read(PASID, 0, ByteBuffer.allocate(1)))
        .isEqualTo(new Faulted(reason, 0, 0));
    assertThat(guest.read4(RegisterOffset.FSTS)).isZero();
  }

  @Test
  void theUpperHalfOfARootEntryIsForDevices16To31() {
    Guest guest = Guest.scalable(VtdCapabilities.emulated());
    SourceId upper = new SourceId(0x80);
    guest.unit.cover(upper).join();
    guest.store(Guest.ROOT, 0, (Guest.CONTEXT + 0x1000) | 1);
    guest.store(Guest.CONTEXT + 0x1000, Guest.DIRECTORY | 1, 0, 0, 0);
    guest.entry(0, Guest.passThrough(1));
    guest.backend.clear();
    guest.queue(1 | 1 << 4, 0);
    assertThat(guest.backend.lines()).containsExactly("00:10.0: absent -> pass-through 1", "sync");
  }

  private static Arguments legacy(FaultReason reason, long... words) {
    return Arguments.of(reason, words);
  }

  /// Root entry (2 words) and context entry (2 words) of legacy mode.
  static Stream<Arguments> badLegacyTables() {
    long root = Guest.CONTEXT | 1;
    return Stream.of(
        legacy(FaultReason.LEGACY_ROOT_NOT_PRESENT, 0, 0, 1, 2),
        legacy(FaultReason.LEGACY_ROOT_RESERVED, root | 2, 0, 1, 2),
        legacy(FaultReason.LEGACY_ROOT_RESERVED, root, 1, 1, 2),
        legacy(FaultReason.LEGACY_CONTEXT_ACCESS, NOWHERE | 1, 0, 1, 2),
        legacy(FaultReason.LEGACY_CONTEXT_NOT_PRESENT, root, 0, 0, 2),
        legacy(FaultReason.LEGACY_CONTEXT_RESERVED, root, 0, 1 | 1 << 4, 2),
        legacy(FaultReason.LEGACY_CONTEXT_RESERVED, root, 0, 1, 2 | 1 << 7),
        legacy(FaultReason.LEGACY_CONTEXT_RESERVED, root, 0, 1, 2 | 1 << 24),
        legacy(FaultReason.LEGACY_CONTEXT_INVALID, root, 0, 1, 0),
        legacy(FaultReason.LEGACY_CONTEXT_INVALID, root, 0, 1, 4),
        legacy(FaultReason.LEGACY_CONTEXT_INVALID, root, 0, 1 | 3 << 2, 2),
        legacy(FaultReason.LEGACY_CONTEXT_INVALID, root, 0, NOWHERE | 1, 2),
        legacy(FaultReason.LEGACY_NO_READ, root, 0, 0x700001, 2));
  }

  @ParameterizedTest
  @MethodSource("badLegacyTables")
  void aBadEntryOfLegacyModeFaults(FaultReason reason, long[] words) {
    Guest guest = new Guest(VtdCapabilities.emulated());
    guest.enable(0);
    guest.store(Guest.ROOT, words[0], words[1]);
    guest.store(Guest.CONTEXT + FUNCTION.deviceFunction() * 16L, words[2], words[3]);
    assertThat(guest.unit.dma(FUNCTION).read(0, 0x5000, ByteBuffer.allocate(1)))
        .isEqualTo(new Faulted(reason, 0x5000, 0));
    assertThat(guest.read4(RegisterOffset.FRCD + 12) & 0xff).isEqualTo(reason.code());
  }

  @Test
  void legacyModeTranslatesAndPassesThrough() {
    Guest guest = new Guest(VtdCapabilities.emulated());
    guest.enable(0);
    PageTables tables = new PageTables(guest, 3, PageTables.READ_WRITE);
    tables.map(0x5000, 1, 0x800000 | 1);
    long context = Guest.CONTEXT + FUNCTION.deviceFunction() * 16L;
    guest.store(Guest.ROOT, Guest.CONTEXT | 1, 0);
    guest.store(context, tables.top | 1, 1);
    FunctionDma dma = guest.unit.dma(FUNCTION);
    assertThat(dma.read(0, 0x5000, ByteBuffer.allocate(8))).isEqualTo(DmaOutcome.Done.DONE);
    assertThat(dma.write(0, 0x5000, ByteBuffer.allocate(8)))
        .isEqualTo(new Faulted(FaultReason.LEGACY_NO_WRITE, 0x5000, 0));
    assertThat(dma.read(0, 1L << 39, ByteBuffer.allocate(8)))
        .isEqualTo(new Faulted(FaultReason.LEGACY_ADDRESS_BEYOND_WIDTH, 1L << 39, 0));
    assertThat(dma.read(7, 0x5000, ByteBuffer.allocate(8)))
        .isEqualTo(new Faulted(FaultReason.PASID_IN_LEGACY_MODE, 0x5000, 0));
    guest.store(context, 1 | 2 << 2, 2);
    assertThat(dma.write(0, 0x5000, ByteBuffer.allocate(8))).isEqualTo(DmaOutcome.Done.DONE);
  }

  @Test
  void whatTheUnitDoesNotOfferIsInvalidOrReserved() {
    Guest guest = Guest.scalable(VtdCapabilities.shadow(20));
    guest.context(8);
    guest.entry(1, Guest.firstStage(2, 0x7000));
    guest.entry(2, 0x7000 | 3 << 6 | 2 << 2 | 1, 2, 0);
    guest.entry(3, 0x7000 | 2 << 6 | 3 << 2 | 1, 2, 0);
    guest.entry(4, 0x7000 | 2 << 6 | 2 << 2 | 1 | 1 << 9, 2, 0);
    guest.entry(5, 4 << 6 | 1, 2 | 1 << 24, 0);
    guest.entry(6, Guest.secondStage(2, 0x7000));
    guest.queue(7 | 3 << 4, 0);
    assertThat(guest.backend.lines())
        .containsExactly("00:04.0 PASID 6: absent -> second stage 2", "sync");
    guest.context(8 | 4);
    guest.queue(1 | 1 << 4, 0);
    assertThat(guest.unit.dma(FUNCTION).read(6, 0, ByteBuffer.allocate(1)))
        .isEqualTo(new Faulted(FaultReason.CONTEXT_RESERVED, 0, 0));
  }
}
