package io.vpasid.vmm.frontend.vtd;

import static io.vpasid.vmm.frontend.vtd.Guest.FUNCTION;
import static io.vpasid.vmm.frontend.vtd.PageTables.LARGE;
import static io.vpasid.vmm.frontend.vtd.PageTables.READ_WRITE;
import static io.vpasid.vmm.frontend.vtd.PageTables.USER;
import static org.assertj.core.api.Assertions.assertThat;

import io.vpasid.vmm.frontend.vtd.DmaOutcome.Done;
import io.vpasid.vmm.frontend.vtd.DmaOutcome.Faulted;
import io.vpasid.vmm.frontend.vtd.DmaOutcome.NotMemory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Emulated functions' DMA through page tables: where it goes, what it may, what it leaves there.
class DmaTest {
  private static final long PAGE = 0x800000;
  private static final long VALUE = 0x1122334455667788L;

  private final Guest guest = Guest.scalable(VtdCapabilities.emulated());
  private final FunctionDma dma = guest.unit.dma(FUNCTION);

  DmaTest() {
    guest.context(8 | 4 | 0x10);
    guest.store(PAGE, VALUE);
  }

  private DmaOutcome read(int pasid, long address) {
    return dma.read(pasid, address, ByteBuffer.allocate(8));
  }

  private DmaOutcome write(int pasid, long address) {
    return dma.write(pasid, address, ByteBuffer.allocate(8));
  }

  private long readValue(int pasid, long address) {
    ByteBuffer buffer = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN);
    assertThat(dma.read(pasid, address, buffer)).isEqualTo(Done.DONE);
    return buffer.getLong(0);
  }

  private static Faulted fault(FaultReason reason, long address) {
    return new Faulted(reason, address, 0);
  }

  private PageTables firstStage(int pasid) {
    PageTables tables = PageTables.firstStage(guest);
    guest.entry(pasid, Guest.firstStage(2, tables.top));
    return tables;
  }

  private PageTables secondStage(int pasid) {
    PageTables tables = PageTables.secondStage(guest);
    guest.entry(pasid, Guest.secondStage(2, tables.top));
    return tables;
  }

  @Test
  void withoutTranslationAFunctionReachesMemoryAsItIs() {
    guest.write4(RegisterOffset.GCMD, CommandRegisters.QIE);
    assertThat(readValue(0, PAGE)).isEqualTo(VALUE);
    assertThat(read(7, PAGE)).isEqualTo(fault(FaultReason.PASID_IN_LEGACY_MODE, PAGE));
    assertThat(guest.read4(RegisterOffset.FSTS)).as("aborted in silence").isZero();
  }

  @Test
  void passThroughReachesMemoryAsItIs() {
    guest.entry(0, Guest.passThrough(1));
    guest.entry(7, Guest.passThrough(1));
    assertThat(readValue(0, PAGE)).isEqualTo(VALUE);
    assertThat(readValue(7, PAGE)).isEqualTo(VALUE);
    assertThat(read(7, 1L << 57)).isEqualTo(fault(FaultReason.ADDRESS_BEYOND_UNIT, 1L << 57));
    assertThat(read(7, 0xfee0_0000L)).isEqualTo(fault(FaultReason.INTERRUPT_ADDRESS, 0xfee0_0000L));
    assertThat(read(7, 0x4000_0000L)).isEqualTo(new NotMemory(0x4000_0000L, 0));
  }

  @ParameterizedTest
  @CsvSource({"1, 12345000", "2, 12200000", "3, 40000000"})
  void aFirstStageMapsPagesOfThreeSizes(int level, String page) {
    long address = Long.parseLong(page, 16);
    long size = 1L << (12 + 9 * (level - 1));
    firstStage(7).map(address, level, (PAGE & -size) | USER | (level > 1 ? LARGE : 0));
    assertThat(readValue(7, address + (PAGE & (size - 1)))).isEqualTo(VALUE);
  }

  @ParameterizedTest
  @CsvSource({"1, 12345000", "2, 12200000", "3, 40000000"})
  void aSecondStageMapsPagesOfThreeSizes(int level, String page) {
    long address = Long.parseLong(page, 16);
    long size = 1L << (12 + 9 * (level - 1));
    secondStage(0).map(address, level, (PAGE & -size) | READ_WRITE | (level > 1 ? LARGE : 0));
    assertThat(readValue(0, address + (PAGE & (size - 1)))).isEqualTo(VALUE);
  }

  @Test
  void aFirstStageOfFiveLevelsMapsAddressesOf57Bits() {
    PageTables tables = new PageTables(guest, 5, USER);
    long address = 0xff12_3456_789a_b000L;
    tables.map(address, 1, PAGE | USER);
    guest.entry(7, 1 | 1 << 6, 2 | 1 << 23, tables.top | 1 << 2);
    assertThat(readValue(7, address)).isEqualTo(VALUE);
    assertThat(read(7, 0x0112_3456_789a_b000L))
        .isEqualTo(fault(FaultReason.NOT_CANONICAL, 0x0112_3456_789a_b000L));
  }

  @ParameterizedTest
  @CsvSource({"3, 7012345000", "4, 7f0012345000", "5, 1ff000012345000"})
  void aSecondStageHasThreeToFiveLevels(int levels, String page) {
    long address = Long.parseLong(page, 16);
    PageTables tables = new PageTables(guest, levels, READ_WRITE);
    tables.map(address, 1, PAGE | READ_WRITE);
    guest.entry(0, tables.top | 2 << 6 | (long) (levels - 2) << 2 | 1, 2 | 1 << 23, 0);
    if (levels == 5) {
      // MGAW is 57 bits.
      assertThat(address >>> 57).isZero();
    }
    assertThat(readValue(0, address)).isEqualTo(VALUE);
    long beyond = 1L << (12 + 9 * levels);
    assertThat(read(0, beyond)).isEqualTo(fault(FaultReason.ADDRESS_BEYOND_WIDTH, beyond));
  }

  @ParameterizedTest
  @ValueSource(longs = {0x0000_8000_0000_0000L, 0xffff_7fff_ffff_f000L, 0x0010_0000_0000_0000L})
  void anAddressThatIsNotCanonicalFaults(long address) {
    firstStage(7);
    assertThat(read(7, address)).isEqualTo(fault(FaultReason.NOT_CANONICAL, address));
  }

  @Test
  void accessedAndDirtyBitsAreSetInAFirstStage() {
    PageTables tables = firstStage(7);
    long leaf = tables.map(0x5000, 1, PAGE | USER);
    long top = tables.place(0x5000, 4);
    read(7, 0x5000);
    assertThat(guest.load(leaf)).isEqualTo(PAGE | USER | 1 << 5);
    assertThat(guest.load(top) & 0xfff).isEqualTo(USER | 1 << 5);
    write(7, 0x5000);
    assertThat(guest.load(leaf)).isEqualTo(PAGE | USER | 1 << 5 | 1 << 6);
    assertThat(guest.load(top) & 0xfff).as("dirty is for pages").isEqualTo(USER | 1 << 5);
  }

  @Test
  void theExtendedAccessedFlagIsSetWhereTheGuestWantsIt() {
    PageTables tables = PageTables.firstStage(guest);
    long leaf = tables.map(0x5000, 1, PAGE | USER);
    guest.entry(7, 1 | 1 << 6, 2 | 1 << 23, tables.top | 1 << 7);
    read(7, 0x5000);
    assertThat(guest.load(leaf)).isEqualTo(PAGE | USER | 1 << 5 | 1 << 10);
  }

  @Test
  void aSecondStagesBitsAreSetWhereTheGuestWantsThem() {
    PageTables tables = secondStage(0);
    long leaf = tables.map(0x5000, 1, PAGE | READ_WRITE);
    write(0, 0x5000);
    assertThat(guest.load(leaf)).as("without SSADE").isEqualTo(PAGE | READ_WRITE);
    guest.entry(0, tables.top | 2 << 6 | 2 << 2 | 1 | 1 << 9, 2 | 1 << 23, 0);
    read(0, 0x5000);
    assertThat(guest.load(leaf)).isEqualTo(PAGE | READ_WRITE | 1 << 8);
    write(0, 0x5000);
    assertThat(guest.load(leaf)).isEqualTo(PAGE | READ_WRITE | 1 << 8 | 1 << 9);
  }

  @Test
  void bitsCannotBeSetByWalksThatDoNotSnoop() {
    PageTables first = firstStage(7);
    first.map(0x5000, 1, PAGE | USER);
    guest.entry(7, 1 | 1 << 6, 2, first.top);
    assertThat(read(7, 0x5000)).isEqualTo(fault(FaultReason.FIRST_STAGE_NO_SNOOP, 0x5000));
    PageTables second = PageTables.secondStage(guest);
    second.map(0x5000, 1, PAGE | READ_WRITE);
    guest.entry(0, second.top | 2 << 6 | 2 << 2 | 1 | 1 << 9, 2, 0);
    assertThat(read(0, 0x5000)).isEqualTo(fault(FaultReason.SECOND_STAGE_NO_SNOOP, 0x5000));
  }

  /// Flags of the entries of all levels, and what becomes of a read and of a write.
  @ParameterizedTest
  @CsvSource({
    "7, 7, , ",
    "5, 7, , NO_WRITE",
    "7, 5, , NO_WRITE",
    "3, 7, SUPERVISOR_PAGE, SUPERVISOR_PAGE",
    "7, 3, SUPERVISOR_PAGE, SUPERVISOR_PAGE",
    "7, 0, FIRST_STAGE_NOT_PRESENT, FIRST_STAGE_NOT_PRESENT",
    "7, 6, FIRST_STAGE_NOT_PRESENT, FIRST_STAGE_NOT_PRESENT",
    "6, 7, FIRST_STAGE_NOT_PRESENT, FIRST_STAGE_NOT_PRESENT",
  })
  void rightsOfAFirstStageAreThoseOfAllEntries(
      int inner, int leaf, FaultReason onRead, FaultReason onWrite) {
    PageTables tables = new PageTables(guest, 4, inner);
    tables.map(0x5000, 1, PAGE | leaf);
    guest.entry(7, Guest.firstStage(2, tables.top));
    assertOutcome(read(7, 0x5000), onRead);
    assertOutcome(write(7, 0x5000), onWrite);
  }

  @ParameterizedTest
  @CsvSource({
    "3, 3, , ",
    "3, 1, , NO_WRITE",
    "1, 3, , NO_WRITE",
    "3, 2, NO_READ, ",
    "2, 3, NO_READ, ",
    "3, 0, SECOND_STAGE_NOT_PRESENT, SECOND_STAGE_NOT_PRESENT",
    "3, 4, SECOND_STAGE_NOT_PRESENT, SECOND_STAGE_NOT_PRESENT",
    "2, 1, SECOND_STAGE_NOT_PRESENT, SECOND_STAGE_NOT_PRESENT",
  })
  void rightsOfASecondStageAreThoseOfAllEntries(
      int inner, int leaf, FaultReason onRead, FaultReason onWrite) {
    PageTables tables = new PageTables(guest, 4, inner);
    tables.map(0x5000, 1, PAGE | leaf);
    guest.entry(0, Guest.secondStage(2, tables.top));
    assertOutcome(read(0, 0x5000), onRead);
    assertOutcome(write(0, 0x5000), onWrite);
  }

  private static void assertOutcome(DmaOutcome outcome, FaultReason reason) {
    if (reason == null) {
      assertThat(outcome).isEqualTo(Done.DONE);
    } else {
      assertThat(outcome).isEqualTo(fault(reason, 0x5000));
    }
  }

  @ParameterizedTest
  @CsvSource({"2, 802000", "3, 40200000", "4, 0", "2, 1000000000802000"})
  void reservedBitsOfLargePagesFault(int level, String frame) {
    long address = 0x12345678000L;
    firstStage(7).map(address, level, Long.parseUnsignedLong(frame, 16) | USER | LARGE);
    assertThat(read(7, address)).isEqualTo(fault(FaultReason.FIRST_STAGE_RESERVED, address));
    secondStage(0).map(address, level, Long.parseUnsignedLong(frame, 16) | READ_WRITE | LARGE);
    assertThat(read(0, address)).isEqualTo(fault(FaultReason.SECOND_STAGE_RESERVED, address));
  }

  @Test
  void tablesThatAreNotInMemoryFault() {
    guest.entry(7, Guest.firstStage(2, 0x7f0000000L));
    assertThat(read(7, 0x5000)).isEqualTo(fault(FaultReason.FIRST_STAGE_TOP_ACCESS, 0x5000));
    firstStage(8).map(0x5000, 3, 0x7f0000000L | USER);
    assertThat(read(8, 0x5000)).isEqualTo(fault(FaultReason.FIRST_STAGE_ACCESS, 0x5000));
    guest.entry(9, Guest.secondStage(2, 0x7f0000000L));
    assertThat(read(9, 0x5000)).isEqualTo(fault(FaultReason.SECOND_STAGE_POINTER, 0x5000));
    secondStage(10).map(0x5000, 3, 0x7f0000000L | READ_WRITE);
    assertThat(read(10, 0x5000)).isEqualTo(fault(FaultReason.SECOND_STAGE_ACCESS, 0x5000));
  }

  @Test
  void aPageInTheInterruptRangeFaults() {
    firstStage(7).map(0x5000, 1, 0xfee01000L | USER);
    assertThat(write(7, 0x5000)).isEqualTo(fault(FaultReason.INTERRUPT_ADDRESS, 0x5000));
  }

  @Test
  void nestedTranslationGoesThroughBothStages() {
    PageTables second = PageTables.secondStage(guest);
    // The second stage maps what the first names: its tables one to one, and the page elsewhere.
    for (long page = 0x100000; page < 0x140000; page += 0x1000) {
      second.map(page, 1, page | READ_WRITE);
    }
    PageTables first = PageTables.firstStage(guest);
    first.map(0x5000, 1, 0x77000 | USER);
    second.map(0x77000, 1, PAGE | READ_WRITE);
    guest.entry(7, second.top | 3 << 6 | 2 << 2 | 1, 2 | 1 << 23, first.top);
    assertThat(readValue(7, 0x5000)).isEqualTo(VALUE);

    second.map(0x77000, 1, PAGE | 1);
    assertThat(read(7, 0x5000)).isEqualTo(Done.DONE);
    assertThat(write(7, 0x5000)).isEqualTo(fault(FaultReason.NO_WRITE, 0x5000));
    second.map(0x77000, 1, 0);
    assertThat(read(7, 0x5000)).isEqualTo(fault(FaultReason.SECOND_STAGE_NOT_PRESENT, 0x5000));
  }

  @Test
  void theSecondStageGuardsTheTablesOfTheFirst() {
    PageTables second = PageTables.secondStage(guest);
    for (long page = 0x100000; page < 0x140000; page += 0x1000) {
      second.map(page, 1, page | READ_WRITE);
    }
    PageTables first = PageTables.firstStage(guest);
    long leaf = first.map(0x5000, 1, 0x77000 | USER);
    second.map(0x77000, 1, PAGE | READ_WRITE);
    guest.entry(7, second.top | 3 << 6 | 2 << 2 | 1, 2 | 1 << 23, first.top);
    long leafTable = leaf & ~0xfffL;
    second.map(leafTable, 1, leafTable | 1);
    assertThat(read(7, 0x5000)).isEqualTo(fault(FaultReason.FIRST_STAGE_NO_WRITE, 0x5000));
    second.map(leafTable, 1, leafTable | 2);
    assertThat(read(7, 0x5000)).isEqualTo(fault(FaultReason.FIRST_STAGE_NO_READ, 0x5000));
    second.map(first.top, 1, first.top | 2);
    assertThat(read(7, 0x5000)).isEqualTo(fault(FaultReason.FIRST_STAGE_TOP_NO_READ, 0x5000));
    guest.entry(7, second.top | 3 << 6 | 2 << 2 | 1, 2 | 1 << 23, 1L << 50);
    assertThat(read(7, 0x5000)).isEqualTo(fault(FaultReason.FIRST_STAGE_BEYOND_WIDTH, 0x5000));
  }

  @Test
  void anAccessCrossesPages() {
    PageTables tables = firstStage(7);
    tables.map(0x5000, 1, PAGE | USER);
    tables.map(0x6000, 1, (PAGE + 0x5000) | USER);
    guest.store(PAGE + 0xff8, 1);
    guest.store(PAGE + 0x5000, 2);
    ByteBuffer buffer = ByteBuffer.allocate(16).order(ByteOrder.LITTLE_ENDIAN);
    assertThat(dma.read(7, 0x5ff8, buffer)).isEqualTo(Done.DONE);
    assertThat(buffer.flip().getLong()).isEqualTo(1);
    assertThat(buffer.getLong()).isEqualTo(2);
  }

  @Test
  void anAccessThatFaultsOnTheWaySaysHowFarItCame() {
    firstStage(7).map(0x5000, 1, PAGE | USER);
    ByteBuffer buffer = ByteBuffer.allocate(0x1800);
    assertThat(dma.write(7, 0x5800, buffer))
        .isEqualTo(new Faulted(FaultReason.FIRST_STAGE_NOT_PRESENT, 0x6000, 0x800));
    assertThat(buffer.position()).isEqualTo(0x800);
  }

  @Test
  void aFaultIsRecordedUnlessTheGuestDoesNotWantIt() {
    firstStage(7);
    read(7, 0x5000);
    assertThat(guest.read8(RegisterOffset.FRCD + 8))
        .isEqualTo(1L << 63 | 1L << 62 | 7L << 40 | 0x71L << 32 | 1L << 31 | 0x20);
    assertThat(guest.read8(RegisterOffset.FRCD)).isEqualTo(0x5000);
    guest.write4(RegisterOffset.FRCD + 12, 0x80000000);
    long[] entry = Guest.firstStage(2, guest.page());
    entry[0] |= 2;
    guest.entry(7, entry);
    assertThat(read(7, 0x5000)).isEqualTo(fault(FaultReason.FIRST_STAGE_NOT_PRESENT, 0x5000));
    assertThat(guest.read4(RegisterOffset.FSTS)).isZero();
  }
}
