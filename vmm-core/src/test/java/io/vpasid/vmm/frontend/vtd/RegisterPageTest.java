package io.vpasid.vmm.frontend.vtd;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Every register: what it is after reset, which bits of it software can change, and how.
class RegisterPageTest {
  private final List<String> messages = new ArrayList<>();
  private int wakes;
  private final RegisterPage page =
      new RegisterPage(
          VtdCapabilities.emulated(),
          (address, data) -> messages.add(Long.toHexString(address) + " <- " + data),
          () -> wakes++);

  /// Offset, value after reset, and the bits that stay when all are written: section 11.4.
  @ParameterizedTest
  @CsvSource({
    "VER,     00, 50, 50",
    "GCMD,    18, 0, 0",
    "GSTS,    1c, 0, 0",
    "RTADDR,  20, 0, fffffc00",
    "RTADDR+, 24, 0, ffffffff",
    "CCMD,    28, 0, ffffffff",
    "CCMD+,   2c, 0, e0000003",
    "gap,     30, 0, 0",
    "FSTS,    34, 0, 0",
    "FECTL,   38, 80000000, 80000000",
    "FEDATA,  3c, 0, ffffffff",
    "FEADDR,  40, 0, fffffffc",
    "FEUADDR, 44, 0, ffffffff",
    "AFLOG,   58, 0, 0",
    "PMEN,    64, 0, 0",
    "IQH,     80, 0, 0",
    "IQH+,    84, 0, 0",
    "IQT,     88, 0, 7fff0",
    "IQT+,    8c, 0, 0",
    "IQA,     90, 0, fffff807",
    "IQA+,    94, 0, ffffffff",
    "gap,     98, 0, 0",
    "ICS,     9c, 0, 0",
    "IECTL,   a0, 80000000, 80000000",
    "IEDATA,  a4, 0, ffffffff",
    "IEADDR,  a8, 0, fffffffc",
    "IEUADDR, ac, 0, ffffffff",
    "IQER,    b0, 0, 0",
    "IQER+,   b4, 0, 0",
    "IRTA,    b8, 0, fffff80f",
    "IRTA+,   bc, 0, ffffffff",
    "PQH,     c0, 0, 7ffe0",
    "PQH+,    c4, 0, 0",
    "PQT,     c8, 0, 7ffe0",
    "PQT+,    cc, 0, 0",
    "PQA,     d0, 0, fffff007",
    "PQA+,    d4, 0, ffffffff",
    "gap,     d8, 0, 0",
    "PRS,     dc, 0, 0",
    "PECTL,   e0, 80000000, 80000000",
    "PEDATA,  e4, 0, ffffffff",
    "PEADDR,  e8, 0, fffffffc",
    "PEUADDR, ec, 0, ffffffff",
    "IVA,     f0, 0, 0",
    "IVA+,    f4, 0, 0",
    "IOTLB,   f8, 0, 0",
    "IOTLB+,  fc, 0, b003ffff",
    "FRCD 0,  220, 0, 0",
    "FRCD 7+, 29c, 0, 0",
    "beyond,  2a0, 0, 0",
    "last,    ffc, 0, 0",
  })
  void aRegisterKeepsWhatSoftwareMayWrite(String name, String offset, String reset, String kept) {
    int at = Integer.parseInt(offset, 16);
    assertThat(page.read(at, 4)).as("%s after reset", name).isEqualTo(Long.parseLong(reset, 16));
    page.write(at, 4, -1);
    assertThat(page.read(at, 4)).as("%s written", name).isEqualTo(Long.parseLong(kept, 16));
    page.reset();
    assertThat(page.read(at, 4)).as("%s reset again", name).isEqualTo(Long.parseLong(reset, 16));
  }

  @Test
  void capabilitiesAreReadOnly() {
    page.write(RegisterOffset.CAP, 8, 0);
    page.write(RegisterOffset.ECAP, 8, -1);
    assertThat(page.read(RegisterOffset.CAP, 8)).isEqualTo(VtdCapabilities.emulated().cap());
    assertThat(page.read(RegisterOffset.ECAP, 8)).isEqualTo(VtdCapabilities.emulated().ecap());
  }

  @Test
  void aRegisterOf8BytesIsWrittenWholeOrByHalves() {
    page.write(RegisterOffset.RTADDR, 8, 0x1122334455667400L);
    assertThat(page.read(RegisterOffset.RTADDR, 8)).isEqualTo(0x1122334455667400L);
    page.write(RegisterOffset.RTADDR, 4, 0x99999000);
    assertThat(page.read(RegisterOffset.RTADDR, 8)).isEqualTo(0x1122334499999000L);
    page.write(RegisterOffset.RTADDR + 4, 4, 7);
    assertThat(page.read(RegisterOffset.RTADDR, 8)).isEqualTo(0x799999000L);
  }

  @ParameterizedTest
  @CsvSource({"22, 4", "24, 8", "21, 2", "20, 3", "20, 16", "20, 0", "ffc, 8", "1000, 4", "-8, 8"})
  void whatIsNotAlignedOrOutsideReadsAs0AndIsNotWritten(String offset, int width) {
    page.write(RegisterOffset.RTADDR, 8, -1);
    int at = Integer.parseInt(offset, 16);
    assertThat(page.read(at, width)).isZero();
    page.write(at, width, 0);
    assertThat(page.read(RegisterOffset.RTADDR, 8)).isEqualTo(-1L << 10);
  }

  @Test
  void partsOfARegisterAreReadButNotWritten() {
    page.write(RegisterOffset.FEDATA, 4, 0x11223344);
    assertThat(page.read(RegisterOffset.FEDATA + 2, 2)).isEqualTo(0x1122);
    assertThat(page.read(RegisterOffset.FEDATA + 1, 1)).isEqualTo(0x33);
    page.write(RegisterOffset.FEDATA, 2, 0);
    page.write(RegisterOffset.FEDATA, 1, 0);
    assertThat(page.read(RegisterOffset.FEDATA, 4)).isEqualTo(0x11223344);
  }

  @Test
  void theWorkerIsWokenForCommandsAndForTheTail() {
    page.write(RegisterOffset.CCMD, 8, 1L << 61);
    page.write(RegisterOffset.IOTLB, 8, 1L << 60);
    assertThat(wakes).isZero();
    page.write(RegisterOffset.GCMD, 4, CommandRegisters.SRTP);
    page.write(RegisterOffset.CCMD, 8, 1L << 63 | 1L << 61);
    page.write(RegisterOffset.IOTLB, 8, 1L << 63 | 1L << 60);
    page.write(RegisterOffset.IQT, 4, 64);
    assertThat(wakes).isEqualTo(4);
  }

  @Test
  void theQueuesAddressStaysWhileTheQueueIsEnabled() {
    page.write(RegisterOffset.IQA, 8, 0x1234_5678_9000L);
    page.queue().enable(true);
    page.write(RegisterOffset.IQA, 8, 0x2000);
    assertThat(page.read(RegisterOffset.IQA, 8)).isEqualTo(0x1234_5678_9000L);
  }

  @Test
  void aMessageIsSentWhenItsEventComes() {
    page.write(RegisterOffset.IEDATA, 4, 0x31);
    page.write(RegisterOffset.IEADDR, 8, 0x1_fee0_1000L);
    page.write(RegisterOffset.IECTL, 4, 0);
    page.queue().waitCompleted();
    assertThat(messages).containsExactly("1fee01000 <- 49");
    assertThat(page.read(RegisterOffset.ICS, 4)).isEqualTo(1);
    assertThat(page.read(RegisterOffset.IECTL, 4)).isZero();
  }

  @Test
  void noOtherMessageIsSentUntilTheStatusIsCleared() {
    page.write(RegisterOffset.IECTL, 4, 0);
    page.queue().waitCompleted();
    page.queue().waitCompleted();
    assertThat(messages).hasSize(1);
    page.write(RegisterOffset.ICS, 4, 1);
    assertThat(page.read(RegisterOffset.ICS, 4)).isZero();
    page.queue().waitCompleted();
    assertThat(messages).hasSize(2);
  }

  @Test
  void aMaskedEventIsPendingAndItsMessageComesWithTheUnmasking() {
    page.queue().waitCompleted();
    assertThat(page.read(RegisterOffset.IECTL, 4)).isEqualTo(0xc0000000L);
    assertThat(messages).isEmpty();
    page.write(RegisterOffset.IECTL, 4, 0);
    assertThat(page.read(RegisterOffset.IECTL, 4)).isZero();
    assertThat(messages).containsExactly("0 <- 0");
    page.write(RegisterOffset.IECTL, 4, 0);
    assertThat(messages).hasSize(1);
  }

  @Test
  void aMaskedEventIsForgottenWhenItsStatusIsCleared() {
    page.queue().waitCompleted();
    page.write(RegisterOffset.ICS, 4, 1);
    assertThat(page.read(RegisterOffset.IECTL, 4)).isEqualTo(0x80000000L);
    page.write(RegisterOffset.IECTL, 4, 0);
    assertThat(messages).isEmpty();
  }

  @Test
  void anErrorOfTheQueueStopsItUntilItIsCleared() {
    page.queue().enable(true);
    page.queue().fail(FaultLog.IQE, 4);
    assertThat(page.queue().runs()).isFalse();
    assertThat(page.read(RegisterOffset.FSTS, 4)).isEqualTo(FaultLog.IQE);
    assertThat(page.read(RegisterOffset.IQER, 8)).isEqualTo(4);
    int before = wakes;
    page.write(RegisterOffset.FSTS, 4, FaultLog.IQE);
    assertThat(page.queue().runs()).isTrue();
    assertThat(wakes).isEqualTo(before + 1);
    assertThat(page.read(RegisterOffset.FSTS, 4)).isZero();
  }
}
