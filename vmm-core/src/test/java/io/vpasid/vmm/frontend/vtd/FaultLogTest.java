package io.vpasid.vmm.frontend.vtd;

import static io.vpasid.vmm.frontend.vtd.Guest.FUNCTION;
import static org.assertj.core.api.Assertions.assertThat;

import io.vpasid.vmm.frontend.vtd.Fault.Access;
import io.vpasid.vmm.frontend.vtd.Requester.Itself;
import io.vpasid.vmm.frontend.vtd.Requester.WithPasid;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Fault recording as a driver sees it.
class FaultLogTest {
  private final List<String> messages = new ArrayList<>();
  private final RegisterPage page =
      new RegisterPage(
          VtdCapabilities.emulated(), (address, data) -> messages.add("message"), () -> {});

  private void fault(int pasid, FaultReason reason, Access access, long address) {
    page.faults()
        .record(new Fault(Requester.of(FUNCTION, pasid), reason, access, address, false, false));
  }

  private void faults(int count) {
    for (int i = 0; i < count; i++) {
      fault(0, FaultReason.NO_READ, Access.READ, 0x1000L * i);
    }
  }

  private long high(int record) {
    return page.read(RegisterOffset.FRCD + record * 16 + 8, 8);
  }

  private long low(int record) {
    return page.read(RegisterOffset.FRCD + record * 16, 8);
  }

  private void clear(int record) {
    page.write(RegisterOffset.FRCD + record * 16 + 12, 4, 0x80000000L);
  }

  private long status() {
    return page.read(RegisterOffset.FSTS, 4);
  }

  /// What the probe of a Linux driver was given as reason 0x71 of a write is decoded by Linux as
  /// such: bits 127 F, 126 and 92 type, 123:104 PASID, 103:96 reason, 95 PASID present, 79:64
  /// source.
  @ParameterizedTest
  @CsvSource({
    "0, FIRST_STAGE_NOT_PRESENT, WRITE, 8000007100000020",
    "0, NO_READ, READ, c000008600000020",
    "5, NO_WRITE, WRITE, 8000058580000020",
    "1048575, PAGE_REQUEST_DISABLED, PAGE_REQUEST, 8fffff4790000020",
    "1, LEGACY_NO_READ, ATOMIC, c000010690000020",
  })
  void aRecordSaysWhoWhyAndWhat(int pasid, FaultReason reason, Access access, String record) {
    fault(pasid, reason, access, 0x1234_5678_9abcL);
    assertThat(high(0)).isEqualTo(Long.parseUnsignedLong(record, 16));
    assertThat(low(0)).isEqualTo(0x1234_5678_9000L);
  }

  @Test
  void privilegeAndExecutionHaveTheirBits() {
    page.faults()
        .record(
            new Fault(
                new WithPasid(FUNCTION, 1), FaultReason.NO_EXECUTE, Access.READ, 0, true, true));
    assertThat(high(0)).isEqualTo(1L << 63 | 1L << 62 | 1L << 40 | 0x82L << 32 | 7L << 29 | 0x20);
  }

  @Test
  void aPendingFaultIsClearedByWriting1ToIt() {
    faults(1);
    assertThat(status()).isEqualTo(FaultLog.PPF);
    page.write(RegisterOffset.FRCD + 12, 4, 0x7fffffff);
    page.write(RegisterOffset.FRCD + 8, 4, -1);
    page.write(RegisterOffset.FSTS, 4, -1);
    assertThat(status()).isEqualTo(FaultLog.PPF);
    clear(0);
    assertThat(status()).isZero();
    assertThat(high(0) >>> 63).isZero();
  }

  @Test
  void theOldestPendingRecordIsNamed() {
    faults(3);
    clear(0);
    assertThat(status()).isEqualTo(FaultLog.PPF | 1 << 8);
    clear(1);
    clear(2);
    faults(6);
    assertThat(status()).isEqualTo(FaultLog.PPF | 3 << 8);
  }

  @Test
  void oneFaultTooManyOverflowsAndTheOldOnesStay() {
    faults(FaultLog.RECORDS + 1);
    assertThat(status()).isEqualTo(FaultLog.PPF | FaultLog.PFO);
    assertThat(low(0)).isZero();
    assertThat(low(7)).isEqualTo(0x7000);
  }

  @Test
  void afterAnOverflowNothingIsRecordedUntilTheGuestClearsIt() {
    faults(FaultLog.RECORDS + 1);
    clear(0);
    fault(0, FaultReason.NO_WRITE, Access.WRITE, 0x77000);
    assertThat(high(0) >>> 63).isZero();
    page.write(RegisterOffset.FSTS, 4, FaultLog.PFO);
    fault(0, FaultReason.NO_WRITE, Access.WRITE, 0x88000);
    assertThat(low(0)).isEqualTo(0x88000);
    assertThat(high(0) >>> 63).isEqualTo(1);
  }

  @Test
  void oneMessageIsSentUntilAllIsCleared() {
    page.write(RegisterOffset.FECTL, 4, 0);
    faults(3);
    assertThat(messages).hasSize(1);
    clear(0);
    clear(1);
    fault(0, FaultReason.NO_READ, Access.READ, 0);
    assertThat(messages).hasSize(1);
    clear(2);
    clear(3);
    fault(0, FaultReason.NO_READ, Access.READ, 0);
    assertThat(messages).hasSize(2);
  }

  @Test
  void aMaskedFaultIsForgottenOnceServiced() {
    faults(1);
    assertThat(page.read(RegisterOffset.FECTL, 4)).isEqualTo(0xc0000000L);
    clear(0);
    assertThat(page.read(RegisterOffset.FECTL, 4)).isEqualTo(0x80000000L);
  }

  @Test
  void theFunctionItselfHasNoPasidPresent() {
    page.faults()
        .record(new Fault(new Itself(FUNCTION), FaultReason.NO_READ, Access.READ, 0, false, false));
    assertThat((high(0) >>> 31) & 1).isZero();
  }
}
