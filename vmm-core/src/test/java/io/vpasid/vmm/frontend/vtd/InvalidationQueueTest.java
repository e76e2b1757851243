package io.vpasid.vmm.frontend.vtd;

import static io.vpasid.vmm.frontend.vtd.Guest.FUNCTION;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/// Every descriptor of sections 6.5.2 and 7.6.1, good and bad, and what the queue does about it.
class InvalidationQueueTest {
  private static final long SID = 0x20;

  private final Guest guest = Guest.scalable(VtdCapabilities.emulated());

  private static Arguments good(String told, long word0, long word1) {
    return Arguments.of(told, word0, word1);
  }

  static Stream<Arguments> goodDescriptors() {
    return Stream.of(
        good("", 1 | 1 << 4, 0),
        good("", 1 | 2 << 4 | 5 << 16, 0),
        good("", 1 | 3 << 4 | SID << 32 | 3L << 48, 0),
        good("invalidate all", 2 | 1 << 4, 0),
        good("invalidate domain 5", 2 | 2 << 4 | 5 << 16 | 3 << 6, 0),
        good(
            "invalidate domain 5, 0x1 pages from 0x7000, leaves",
            2 | 3 << 4 | 5 << 16,
            0x7000 | 1 << 6),
        good("invalidate domain 65535, 0x8 pages from 0x8000", 2 | 3 << 4 | 0xffffL << 16, 0xf003),
        good("invalidate domain 5, 0x40000 pages from 0x0", 2 | 3 << 4 | 5 << 16, 0x7012),
        good("invalidate device TLB 00:04.0, 0x1 pages from 0x7000", 3 | SID << 32, 0x7000),
        good(
            "invalidate device TLB 00:04.0, 0x2 pages from 0x6000",
            3 | 3 << 16 | SID << 32,
            0x6001),
        good("invalidate device TLB 00:04.0, 0x10 pages from 0x0", 3 | SID << 32, 0x7001),
        good(
            "invalidate device TLB 00:04.0, 0x10000000000000 pages from 0x0",
            3 | SID << 32 | 0xfffL << 52 | 0xf << 12,
            0x7fff_ffff_ffff_f001L),
        good("", 3 | 0x21L << 32, 0x7000),
        good("", 5, 0),
        good("drain page requests", 5 | 1 << 7, 0),
        good("invalidate domain 5 PASID 9", 6 | 2 << 4 | 5 << 16 | 9L << 32, 0),
        good(
            "invalidate domain 5 PASID 1048575, 0x4 pages from 0x4000, leaves",
            6 | 3 << 4 | 5 << 16 | 0xfffffL << 32,
            0x7000 | 1 << 6 | 2),
        good(
            "invalidate domain 5 PASID 9, 0x10000000000000 pages from 0x0",
            6 | 3 << 4 | 5 << 16 | 9L << 32,
            0x7000 | 63),
        good("", 7 | 5 << 16, 0),
        good("", 7 | 1 << 4 | 5 << 16 | 9L << 32, 0),
        good("", 7 | 3 << 4, 0),
        good(
            "invalidate device TLB 00:04.0 PASID 9, 0x1 pages from 0x7000",
            8 | SID << 16 | 9L << 32 | 0x1f << 4,
            0x7000),
        good(
            "invalidate device TLB 00:04.0, 0x2 pages from 0x6000",
            8 | SID << 16 | 9L << 32,
            0x6000 | 1 << 11 | 1),
        good(
            "answer to 00:04.0 PASID 9, group 511: SUCCESS",
            9 | 1 << 4 | SID << 16 | 9L << 32,
            511 << 3),
        good("answer to 00:04.0, group 1: INVALID_REQUEST", 9 | 1 << 12 | SID << 16, 1 << 3),
        good("answer to 00:04.0, group 1: INVALID_REQUEST", 9 | 7 << 12 | SID << 16, 1 << 3),
        good("answer to 00:04.0, group 1: RESPONSE_FAILURE", 9 | 15 << 12 | SID << 16, 1 << 3),
        good("answer to 00:04.0, group 1: SUCCESS", 9 | 1 << 5 | SID << 16, 1 << 3 | 4),
        good("", 9 | 0x21 << 16, 1 << 3));
  }

  @ParameterizedTest
  @MethodSource("goodDescriptors")
  void aGoodDescriptorIsToldAndDone(String told, long word0, long word1) {
    guest.queue(word0, word1);
    if (told.isEmpty()) {
      assertThat(guest.backend.lines()).containsExactly("sync");
    } else {
      assertThat(guest.backend.lines()).containsExactly(told, "sync");
    }
    assertThat(guest.read4(RegisterOffset.IQH)).isEqualTo(32);
    assertThat(guest.read4(RegisterOffset.FSTS)).isZero();
  }

  private static Arguments bad(QueueError error, long... words) {
    return Arguments.of(error, words);
  }

  static Stream<Arguments> badDescriptors() {
    return Stream.of(
        bad(QueueError.TYPE, 0, 0),
        bad(QueueError.TYPE, 4, 0),
        bad(QueueError.TYPE, 10, 0),
        bad(QueueError.TYPE, 15, 0),
        bad(QueueError.TYPE, 1 | 1 << 4 | 1 << 9, 0),
        bad(QueueError.TYPE, 5 | 7 << 9, 0),
        bad(QueueError.RESERVED, 1, 0),
        bad(QueueError.RESERVED, 1 | 1 << 4 | 1 << 6, 0),
        bad(QueueError.RESERVED, 1 | 1 << 4 | 1L << 50, 0),
        bad(QueueError.RESERVED, 1 | 1 << 4, 1),
        bad(QueueError.RESERVED, 1 | 1 << 4, 0, 1),
        bad(QueueError.RESERVED, 1 | 1 << 4, 0, 0, 1L << 63),
        bad(QueueError.RESERVED, 2, 0),
        bad(QueueError.RESERVED, 2 | 1 << 4 | 1L << 32, 0),
        bad(QueueError.RESERVED, 2 | 1 << 4 | 1 << 8, 0),
        bad(QueueError.RESERVED, 2 | 1 << 4, 1 << 7),
        bad(QueueError.RESERVED, 2 | 3 << 4, 19),
        bad(QueueError.RESERVED, 3 | 1 << 4, 0),
        bad(QueueError.RESERVED, 3 | 1L << 48, 0),
        bad(QueueError.RESERVED, 3, 2),
        bad(QueueError.RESERVED, 5 | 1 << 8, 0),
        bad(QueueError.RESERVED, 5 | 1 << 12, 0),
        bad(QueueError.RESERVED, 5, 1),
        bad(QueueError.RESERVED, 6, 0),
        bad(QueueError.RESERVED, 6 | 1 << 4, 0),
        bad(QueueError.RESERVED, 6 | 2 << 4 | 1L << 52, 0),
        bad(QueueError.RESERVED, 6 | 3 << 4, 1 << 11),
        bad(QueueError.RESERVED, 7 | 2 << 4, 0),
        bad(QueueError.RESERVED, 7 | 1 << 4, 0x1000),
        bad(QueueError.RESERVED, 8, 1 << 1),
        bad(QueueError.RESERVED, 9 | 1 << 6, 0),
        bad(QueueError.RESERVED, 9, 1),
        bad(QueueError.RESERVED, 9, 1 << 12));
  }

  @ParameterizedTest
  @MethodSource("badDescriptors")
  void aBadDescriptorStopsTheQueueWithTheHeadOnIt(QueueError error, long[] words) {
    guest.put(2 | 1 << 4, 0);
    guest.put(words);
    guest.await(7);
    assertThat(guest.backend.lines()).containsExactly("invalidate all", "sync");
    assertThat(guest.read4(RegisterOffset.FSTS)).isEqualTo(FaultLog.IQE);
    assertThat(guest.read8(RegisterOffset.IQER)).isEqualTo(error.code());
    assertThat(guest.read4(RegisterOffset.IQH)).isEqualTo(32);
    assertThat(guest.status()).isZero();
  }

  @Test
  void clearingTheErrorGoesOnWithTheSameDescriptor() {
    guest.put(0, 0);
    guest.await(7);
    guest.write4(RegisterOffset.FSTS, FaultLog.IQE);
    assertThat(guest.read4(RegisterOffset.FSTS)).as("still bad").isEqualTo(FaultLog.IQE);
    guest.store(Guest.QUEUE, 2 | 1 << 4, 0);
    guest.write4(RegisterOffset.FSTS, FaultLog.IQE);
    assertThat(guest.read4(RegisterOffset.FSTS)).isZero();
    assertThat(guest.status()).isEqualTo(7);
    assertThat(guest.read4(RegisterOffset.IQH)).isEqualTo(64);
  }

  @Test
  void anErrorSendsTheFaultEvent() {
    guest.write4(RegisterOffset.FEDATA, 0x21);
    guest.write4(RegisterOffset.FEADDR, 0xfee01000);
    guest.write4(RegisterOffset.FECTL, 0);
    guest.queue(0, 0);
    assertThat(guest.messages).containsExactly("fee01000 <- 33");
  }

  @Test
  void aStatusIsWrittenAfterEverythingBeforeItIsDone() {
    guest.put(2 | 1 << 4, 0);
    guest.await(0x12345678);
    assertThat(guest.backend.lines()).containsExactly("invalidate all", "sync");
    assertThat(guest.status()).isEqualTo(0x12345678);
  }

  @Test
  void aStatusThatGoesNowhereIsNoError() {
    guest.queue(5 | 1 << 5, 0x7fff_ffff_f000L);
    assertThat(guest.read4(RegisterOffset.FSTS)).isZero();
    assertThat(guest.read4(RegisterOffset.IQH)).isEqualTo(32);
  }

  @Test
  void anInterruptFlagSendsTheCompletionEvent() {
    guest.write4(RegisterOffset.IEDATA, 0x22);
    guest.write4(RegisterOffset.IEADDR, 0xfee02000);
    guest.write4(RegisterOffset.IECTL, 0);
    guest.queue(5 | 1 << 4, 0);
    assertThat(guest.messages).containsExactly("fee02000 <- 34");
    assertThat(guest.read4(RegisterOffset.ICS)).isEqualTo(1);
  }

  @Test
  void theQueueGoesRound() {
    for (int i = 1; i <= 1000; i++) {
      guest.await(i);
      assertThat(guest.status()).isEqualTo(i);
    }
    assertThat(guest.read4(RegisterOffset.IQH)).isEqualTo(1000 * 32 % 4096);
  }

  @Test
  void aTailBeyondTheQueueIsAnError() {
    guest.write4(RegisterOffset.IQT, 0x1000);
    assertThat(guest.read4(RegisterOffset.FSTS)).isEqualTo(FaultLog.IQE);
    assertThat(guest.read8(RegisterOffset.IQER)).isEqualTo(QueueError.TAIL.code());
    guest.write4(RegisterOffset.IQT, 0);
    guest.write4(RegisterOffset.FSTS, FaultLog.IQE);
    assertThat(guest.read4(RegisterOffset.FSTS)).isZero();
  }

  @Test
  void aTailBetweenTwoDescriptorsIsAnError() {
    guest.write4(RegisterOffset.IQT, 16);
    assertThat(guest.read8(RegisterOffset.IQER)).isEqualTo(QueueError.TAIL_NOT_ALIGNED.code());
  }

  @Test
  void aQueueThatIsNotInMemoryIsAnError() {
    guest.write4(RegisterOffset.GCMD, CommandRegisters.TE);
    guest.write8(RegisterOffset.IQA, 0x7fff_0000_0000L | 1 << 11);
    guest.write4(RegisterOffset.GCMD, CommandRegisters.TE | CommandRegisters.QIE);
    guest.write4(RegisterOffset.IQT, 32);
    assertThat(guest.read8(RegisterOffset.IQER)).isEqualTo(QueueError.FETCH.code());
  }

  @Test
  void scalableModeWantsDescriptorsOf256Bits() {
    Guest narrow = new Guest(VtdCapabilities.emulated());
    narrow.enableQueue(false);
    narrow.setRoot(1);
    narrow.await(1);
    assertThat(narrow.read8(RegisterOffset.IQER)).isEqualTo(QueueError.WIDTH.code());
  }

  @Test
  void aReservedModeIsAnError() {
    Guest odd = new Guest(VtdCapabilities.emulated());
    odd.enableQueue(true);
    odd.setRoot(2);
    odd.await(1);
    assertThat(odd.read8(RegisterOffset.IQER)).isEqualTo(QueueError.MODE.code());
  }

  @Test
  void legacyModeHasDescriptorsOf128BitsAndTypes1To5() {
    Guest legacy = new Guest(VtdCapabilities.emulated());
    legacy.enable(0);
    legacy.put(1 | 1 << 4, 0);
    legacy.put(2 | 2 << 4 | 5 << 16, 0);
    legacy.await(1);
    assertThat(legacy.backend.lines()).containsExactly("invalidate domain 5", "sync");
    assertThat(legacy.read4(RegisterOffset.IQH)).isEqualTo(48);
    legacy.queue(7 | 3 << 4, 0);
    assertThat(legacy.read8(RegisterOffset.IQER)).isEqualTo(QueueError.TYPE.code());
  }

  @Test
  void whatTheUnitDoesNotOfferHasNoDescriptors() {
    for (long word0 : new long[] {3, 8, 9}) {
      Guest plain = Guest.scalable(VtdCapabilities.shadow(20));
      plain.queue(word0, 0);
      assertThat(plain.read8(RegisterOffset.IQER)).isEqualTo(QueueError.TYPE.code());
    }
    Guest plain = Guest.scalable(VtdCapabilities.shadow(20));
    plain.queue(5 | 1 << 7, 0);
    assertThat(plain.read8(RegisterOffset.IQER)).isEqualTo(QueueError.RESERVED.code());
  }

  /// A backend that fails on some calls.
  private static final class Failing extends RecordingBackend {
    private boolean atInvalidation;
    private boolean atWaitPoint;

    @Override
    public void invalidateAll() {
      if (atInvalidation) {
        throw new IllegalStateException("hardware that does not do as it is told");
      }
      super.invalidateAll();
    }

    @Override
    public void sync() {
      if (atWaitPoint) {
        throw new IllegalStateException("hardware that does not do as it is told");
      }
      super.sync();
    }
  }

  private final Failing failing = new Failing();

  private VtdUnit brokenUnit() {
    VtdUnit unit =
        new VtdUnit(
            VtdCapabilities.emulated(),
            guest.memory,
            failing,
            (address, data) -> {},
            Runnable::run);
    unit.writeRegister(RegisterOffset.IQA, 8, Guest.QUEUE);
    unit.writeRegister(RegisterOffset.GCMD, 4, CommandRegisters.QIE);
    return unit;
  }

  @Test
  void aBackendThatFailsStopsTheQueueAndDropsWhatIsInIt() {
    failing.atInvalidation = true;
    VtdUnit unit = brokenUnit();
    guest.store(Guest.QUEUE, 2 | 1 << 4, 0, 2 | 2 << 4 | 5 << 16, 0);
    unit.writeRegister(RegisterOffset.IQT, 4, 32);
    assertThat(unit.readRegister(RegisterOffset.FSTS, 4)).isEqualTo(FaultLog.ITE);
    assertThat(unit.readRegister(RegisterOffset.IQH, 4)).isEqualTo(32);
    unit.writeRegister(RegisterOffset.FSTS, 4, FaultLog.ITE);
    guest.store(Guest.QUEUE + 32, 2 | 2 << 4 | 6 << 16, 0);
    unit.writeRegister(RegisterOffset.IQT, 4, 48);
    assertThat(failing.lines()).containsExactly("sync", "invalidate domain 6", "sync");
  }

  @Test
  void aWaitIsNotCompletedIfTheHardwareDidNotDoWhatPrecedesIt() {
    VtdUnit unit = brokenUnit();
    failing.atWaitPoint = true;
    guest.store(Guest.QUEUE, 2 | 1 << 4, 0, 5 | 1 << 4 | 1 << 5 | 7L << 32, Guest.STATUS);
    unit.writeRegister(RegisterOffset.IQT, 4, 32);
    assertThat(guest.status()).isZero();
    assertThat(unit.readRegister(RegisterOffset.ICS, 4)).isZero();
    assertThat(unit.readRegister(RegisterOffset.FSTS, 4)).isEqualTo(FaultLog.ITE);
  }

  @Test
  void aCommandIsNotAnsweredIfTheHardwareDidNotDoIt() {
    VtdUnit unit = brokenUnit();
    failing.atWaitPoint = true;
    unit.writeRegister(RegisterOffset.GCMD, 4, CommandRegisters.SRTP);
    assertThat(unit.readRegister(RegisterOffset.GSTS, 4) & CommandRegisters.SRTP).isZero();
    failing.atWaitPoint = false;
    unit.writeRegister(RegisterOffset.GCMD, 4, CommandRegisters.QIE | CommandRegisters.SRTP);
    assertThat(unit.readRegister(RegisterOffset.GSTS, 4))
        .isEqualTo(CommandRegisters.QIE | CommandRegisters.SRTP);
  }

  @Test
  void registersInvalidateInLegacyModeWithoutTheQueue() {
    Guest legacy = new Guest(VtdCapabilities.emulated());
    legacy.write8(RegisterOffset.IVA, 0x7000 | 1 << 6);
    legacy.write8(RegisterOffset.IOTLB, 1L << 63 | 3L << 60 | 5L << 32);
    legacy.write8(RegisterOffset.IOTLB, 1L << 63 | 2L << 60 | 6L << 32);
    legacy.write8(RegisterOffset.CCMD, 1L << 63 | 1L << 61);
    assertThat(legacy.backend.lines())
        .containsExactly(
            "invalidate domain 5, 0x1 pages from 0x7000, leaves",
            "sync",
            "invalidate domain 6",
            "sync",
            "sync");
    assertThat(legacy.read8(RegisterOffset.IOTLB)).isEqualTo(2L << 60 | 2L << 57 | 6L << 32);
    assertThat(legacy.read8(RegisterOffset.CCMD)).isEqualTo(1L << 61 | 1L << 59);
  }

  @Test
  void registersDoNotInvalidateBesideTheQueue() {
    guest.write8(RegisterOffset.IOTLB, 1L << 63 | 1L << 60);
    guest.write8(RegisterOffset.CCMD, 1L << 63 | 1L << 61);
    assertThat(guest.backend.lines()).isEmpty();
    assertThat(guest.read8(RegisterOffset.IOTLB)).isEqualTo(1L << 60);
    assertThat(guest.read8(RegisterOffset.CCMD)).isEqualTo(1L << 61);
  }

  @Test
  void theFunctionMaskWidensAContextInvalidation() {
    SourceId sibling = new SourceId(FUNCTION.value() | 1);
    guest.unit.cover(sibling).join();
    guest.context(8);
    guest.store(Guest.CONTEXT + sibling.deviceFunction() * 32L, Guest.DIRECTORY | 1, 0, 0, 0);
    guest.entry(0, Guest.passThrough(1));
    guest.backend.clear();
    guest.queue(1 | 3 << 4 | SID << 32, 0);
    guest.queue(1 | 3 << 4 | SID << 32 | 3L << 48, 0);
    assertThat(guest.backend.lines())
        .containsExactly(
            "00:04.0: absent -> pass-through 1",
            "sync",
            "00:04.1: absent -> pass-through 1",
            "sync");
  }
}
