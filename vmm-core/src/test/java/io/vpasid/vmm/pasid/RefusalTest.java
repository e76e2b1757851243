package io.vpasid.vmm.pasid;

import static org.assertj.core.api.Assertions.assertThat;

import io.vpasid.vmm.iommufd.IommufdException;
import io.vpasid.vmm.iommufd.Pasid;
import io.vpasid.vmm.linux.Errno;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class RefusalTest {

  static Stream<Arguments> saysWhyAndTheErrorNumber() {
    return Stream.of(
        Arguments.of(
            new Refusal.NoPasidOnHost(), Errno.ENODEV, "the host has no PASIDs for this function"),
        Arguments.of(
            new Refusal.PasidZero(), Errno.EINVAL, "0 is not a PASID but the function itself"),
        Arguments.of(
            new Refusal.BeyondWidth(8), Errno.EINVAL, "PASIDs of this function have 8 bits"),
        Arguments.of(
            new Refusal.QuotaReached(3), Errno.ENOSPC, "the quota of 3 attached PASIDs is reached"),
        Arguments.of(new Refusal.NotEnabled(), Errno.EPERM, "the guest has not enabled PASIDs"),
        Arguments.of(new Refusal.Closed(), Errno.ENODEV, "the function is closed"),
        Arguments.of(
            new Refusal.BackendFailed(new IommufdException(Errno.EIO, "REQUEST", "PASID 7")),
            Errno.EIO,
            "REQUEST (PASID 7) failed with EIO (5)"));
  }

  @ParameterizedTest
  @MethodSource
  void saysWhyAndTheErrorNumber(Refusal refusal, Errno errno, String text) {
    assertThat(refusal.errno()).isEqualTo(errno);
    assertThat(refusal.text()).isEqualTo(text);
    assertThat(new Refused(new Pasid(7), refusal).text())
        .isEqualTo("PASID 7 is refused: " + text + ".");
  }
}
