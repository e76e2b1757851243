package io.vpasid.vmm.frontend.vtd;

import static io.vpasid.vmm.frontend.vtd.Guest.FUNCTION;
import static io.vpasid.vmm.frontend.vtd.PageTables.USER;
import static org.assertj.core.api.Assertions.assertThat;

import io.vpasid.vmm.frontend.vtd.DmaOutcome.Done;
import io.vpasid.vmm.frontend.vtd.DmaOutcome.Faulted;
import io.vpasid.vmm.frontend.vtd.DmaOutcome.PageRefused;
import io.vpasid.vmm.frontend.vtd.PageRequest.Outcome;
import io.vpasid.vmm.frontend.vtd.Requester.Itself;
import io.vpasid.vmm.frontend.vtd.Requester.WithPasid;
import java.nio.ByteBuffer;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Page requests into the guest's queue, its answers, and emulated DMA that waits for them.
class PageRequestsTest {
  private static final long PAGE = 0x800000;

  private final Guest guest = Guest.scalable(VtdCapabilities.emulated());
  private final FunctionDma dma = guest.unit.dma(FUNCTION);
  private final PageTables tables = PageTables.firstStage(guest);

  PageRequestsTest() {
    guest.context(8 | 4 | 0x10);
    guest.entry(0, Guest.passThrough(1));
    guest.entry(7, Guest.firstStage(2, tables.top));
    guest.entry(0xabcde, Guest.firstStage(2, tables.top));
    guest.write8(RegisterOffset.PQA, Guest.PAGE_QUEUE);
    guest.write4(RegisterOffset.PEDATA, 0x41);
    guest.write4(RegisterOffset.PEADDR, 0xfee03000);
    guest.write4(RegisterOffset.PECTL, 0);
  }

  private Outcome request(Requester requester, int group) {
    return guest.unit.requestPage(
        new PageRequest(requester, group, true, 0x1234_5678_9abcL, true, false, false, false));
  }

  /// The guest answers a group of PASID 7.
  private void answer(int group, int code) {
    guest.put(9 | 1 << 4 | code << 12 | 0x20 << 16 | 7L << 32, (long) group << 3);
    guest.await(1);
  }

  @Test
  void aRequestIsADescriptorInTheQueueAndAnEvent() {
    assertThat(
            guest.unit.requestPage(
                new PageRequest(
                    new WithPasid(FUNCTION, 0xabcde),
                    0x1ff,
                    true,
                    0x1234_5678_9abcL,
                    true,
                    true,
                    true,
                    true)))
        .isEqualTo(Outcome.QUEUED);
    assertThat(request(new Itself(FUNCTION), 3)).isEqualTo(Outcome.QUEUED);
    assertThat(guest.load(Guest.PAGE_QUEUE)).isEqualTo(0x003a_bcde_0020_0101L);
    assertThat(guest.load(Guest.PAGE_QUEUE + 8)).isEqualTo(0x1234_5678_9000L | 0x1ff << 3 | 7);
    assertThat(guest.load(Guest.PAGE_QUEUE + 32)).isEqualTo(0x0020_0001);
    assertThat(guest.load(Guest.PAGE_QUEUE + 40)).isEqualTo(0x1234_5678_9000L | 3 << 3 | 5);
    assertThat(guest.read4(RegisterOffset.PQT)).isEqualTo(64);
    assertThat(guest.read4(RegisterOffset.PRS)).isEqualTo(1);
    assertThat(guest.messages).containsExactly("fee03000 <- 65");
  }

  @Test
  void aFullQueueLosesRequestsUntilTheGuestHasClearedTheOverflow() {
    for (int i = 0; i < 127; i++) {
      assertThat(request(new WithPasid(FUNCTION, 7), i)).isEqualTo(Outcome.QUEUED);
    }
    assertThat(request(new WithPasid(FUNCTION, 7), 127)).isEqualTo(Outcome.OVERFLOW);
    assertThat(guest.read4(RegisterOffset.PRS)).isEqualTo(3);
    guest.write4(RegisterOffset.PQH, 32);
    assertThat(request(new WithPasid(FUNCTION, 7), 127)).isEqualTo(Outcome.OVERFLOW);
    guest.write4(RegisterOffset.PRS, 2);
    assertThat(request(new WithPasid(FUNCTION, 7), 127)).isEqualTo(Outcome.QUEUED);
    assertThat(guest.read4(RegisterOffset.PQT)).isZero();
    assertThat(guest.messages).as("one event until the guest clears PRS").hasSize(1);
  }

  @Test
  void aQueueThatIsNotInMemoryOverflows() {
    guest.write8(RegisterOffset.PQA, 0x7f_0000_0000L);
    assertThat(request(new WithPasid(FUNCTION, 7), 1)).isEqualTo(Outcome.OVERFLOW);
    assertThat(guest.read4(RegisterOffset.PRS)).isEqualTo(2);
  }

  @ParameterizedTest
  @CsvSource({
    "12, 7, PAGE_REQUEST_DISABLED",
    "20, 7, PASID_DISABLED",
    "20, 0, ",
    "24, 0, CONTEXT_INVALID",
    "28, 8, PASID_ENTRY_NOT_PRESENT"
  })
  void requestsThatTheGuestDoesNotWantAreRefused(int flags, int pasid, FaultReason reason) {
    guest.context(flags);
    Outcome outcome = request(Requester.of(FUNCTION, pasid), 1);
    if (reason == null) {
      assertThat(outcome).isEqualTo(Outcome.QUEUED);
    } else {
      assertThat(outcome).isEqualTo(Outcome.REFUSED);
      assertThat(guest.read8(RegisterOffset.FRCD + 8) >>> 32 & 0xff).isEqualTo(reason.code());
    }
  }

  @Test
  void withoutAQueueOrWithoutTranslationRequestsAreRefused() {
    guest.write8(RegisterOffset.PQA, 0);
    assertThat(request(new WithPasid(FUNCTION, 7), 1)).isEqualTo(Outcome.REFUSED);
    guest.write8(RegisterOffset.PQA, Guest.PAGE_QUEUE);
    guest.write4(RegisterOffset.GCMD, CommandRegisters.QIE);
    assertThat(request(new WithPasid(FUNCTION, 7), 1)).isEqualTo(Outcome.REFUSED);
    assertThat(guest.read4(RegisterOffset.FSTS)).isZero();
  }

  @Test
  void emulatedDmaAsksForAPageAndGoesOnWhenItIsThere() {
    guest.store(PAGE, 0x42);
    ByteBuffer buffer = ByteBuffer.allocate(1);
    CompletableFuture<DmaOutcome> outcome = dma.readWithPageRequests(7, 0x5000, buffer);
    assertThat(outcome).isNotDone();
    assertThat(guest.load(Guest.PAGE_QUEUE + 8)).isEqualTo(0x5000 | 4 | 1);
    tables.map(0x5000, 1, PAGE | USER);
    answer(0, 0);
    assertThat(outcome).isCompletedWithValue(Done.DONE);
    assertThat(buffer.get(0)).isEqualTo((byte) 0x42);
    assertThat(guest.read4(RegisterOffset.FSTS)).as("no fault").isZero();
    assertThat(guest.backend.lines())
        .as("the answer was for the unit")
        .noneMatch(l -> l.contains("answer"));
  }

  @Test
  void everyPageIsAskedForInTurn() {
    CompletableFuture<DmaOutcome> outcome =
        dma.writeWithPageRequests(7, 0x5800, ByteBuffer.allocate(0x2000));
    for (int page = 0; page < 3; page++) {
      assertThat(outcome).isNotDone();
      long wanted = guest.load(Guest.PAGE_QUEUE + page * 32L + 8);
      assertThat(wanted & ~0xfffL).isEqualTo(0x5000 + page * 0x1000L);
      assertThat(wanted & 3).as("to write").isEqualTo(2);
      tables.map(0x5000 + page * 0x1000L, 1, (PAGE + page * 0x1000L) | USER);
      answer(page, 0);
    }
    assertThat(outcome).isCompletedWithValue(Done.DONE);
  }

  @Test
  void aRefusedPageEndsTheAccess() {
    CompletableFuture<DmaOutcome> outcome =
        dma.readWithPageRequests(7, 0x5000, ByteBuffer.allocate(1));
    answer(0, 1);
    assertThat(outcome)
        .isCompletedWithValue(new PageRefused(PageResponse.Code.INVALID_REQUEST, 0x5000, 0));
  }

  @Test
  void aGuestThatAnswersWithoutMappingIsAskedSoManyTimes() {
    CompletableFuture<DmaOutcome> outcome =
        dma.readWithPageRequests(7, 0x5000, ByteBuffer.allocate(1));
    int group = 0;
    for (; !outcome.isDone(); group++) {
      guest.write4(RegisterOffset.PQH, guest.read4(RegisterOffset.PQT));
      answer(group, 0);
    }
    assertThat(group).isEqualTo(FunctionDma.MAX_PAGE_REQUESTS);
    assertThat(outcome).isCompletedWithValue(new PageRefused(PageResponse.Code.SUCCESS, 0x5000, 0));
  }

  @Test
  void withoutPageRequestsAMissingPageIsAFault() {
    guest.context(8 | 4);
    assertThat(dma.readWithPageRequests(7, 0x5000, ByteBuffer.allocate(1)))
        .isCompletedWithValue(new Faulted(FaultReason.FIRST_STAGE_NOT_PRESENT, 0x5000, 0));
    guest.context(8);
    assertThat(dma.readWithPageRequests(7, 0x5000, ByteBuffer.allocate(1)))
        .isCompletedWithValue(new Faulted(FaultReason.DEVICE_TLB_DISABLED, 0x5000, 0));
  }

  @Test
  void aResetAnswersWhoWaits() {
    CompletableFuture<DmaOutcome> outcome =
        dma.readWithPageRequests(7, 0x5000, ByteBuffer.allocate(1));
    guest.unit.reset().join();
    assertThat(outcome)
        .isCompletedWithValue(new PageRefused(PageResponse.Code.INVALID_REQUEST, 0x5000, 0));
  }

  @Test
  void aFullQueueRefusesTheAccessForNow() {
    for (int i = 0; i < 127; i++) {
      request(new WithPasid(FUNCTION, 7), i);
    }
    assertThat(dma.readWithPageRequests(7, 0x5000, ByteBuffer.allocate(1)))
        .isCompletedWithValue(new PageRefused(PageResponse.Code.SUCCESS, 0x5000, 0));
  }
}
