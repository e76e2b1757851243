package io.vpasid.it.contract;

import static org.assertj.core.api.Assertions.assertThat;

import io.vpasid.vmm.iommufd.BoundDevice;
import io.vpasid.vmm.iommufd.FaultQueue;
import io.vpasid.vmm.iommufd.HwptFlag;
import io.vpasid.vmm.iommufd.HwptId;
import io.vpasid.vmm.iommufd.HwptRequest;
import io.vpasid.vmm.iommufd.IoasId;
import io.vpasid.vmm.iommufd.PageFault;
import io.vpasid.vmm.iommufd.PageResponse;
import io.vpasid.vmm.linux.Errno;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// Page requests are read from a fault queue and answered.
abstract class FaultRows extends ContractRows {
  private BoundDevice device;
  private FaultQueue faults;
  private HwptId hwpt;

  @BeforeEach
  void attachWithFaults() {
    device = bind(rig.device());
    faults = keep(iommufd.faultQueueAlloc());
    IoasId ioas = iommufd.ioasAlloc();
    hwpt =
        hwptAlloc(
            HwptRequest.paging(device.id(), ioas).with(HwptFlag.PASID).withFaults(faults.id()));
  }

  /// Attaches PASID 100, if the device can send page requests then.
  private void attach() {
    needPageRequests();
    device.attachPasid(P100, hwpt);
  }

  private void request(int pasid, int group, long address) {
    needPageRequests().send(device, pasid(pasid), group, address);
  }

  private PageResponse success(int cookie) {
    return new PageResponse(cookie, PageResponse.SUCCESS);
  }

  @Test
  void emptyQueueReadsNothing() {
    assertThat(faults.read(8)).isEmpty();
    assertThat(faults.await(Duration.ZERO)).isFalse();
  }

  @Test
  void unknownCookieIsInvalid() {
    refused(Errno.EINVAL, () -> faults.respond(List.of(success(1))));
    assertThat(faults.respond(List.of())).isZero();
  }

  @Test
  void cookiesAreTheLowestFree() {
    attach();
    request(100, 1, 0x1000);
    request(100, 2, 0x2000);
    assertThat(faults.await(Duration.ofSeconds(10))).isTrue();

    assertThat(faults.read(8)).extracting(PageFault::cookie).containsExactly(1, 2);
    assertThat(faults.respond(List.of(success(1)))).isEqualTo(1);
    request(100, 3, 0x3000);
    assertThat(faults.read(8)).extracting(PageFault::cookie).containsExactly(1);
  }

  @Test
  void groupThatDoesNotFitIsInvalid() {
    attach();
    request(100, 1, 0x1000);

    refused(Errno.EINVAL, () -> faults.read(0));
    assertThat(faults.read(1)).hasSize(1);
  }

  @Test
  void responsesBeforeABadOneCount() {
    attach();
    request(100, 1, 0x1000);
    request(100, 2, 0x2000);
    faults.read(8);

    assertThat(faults.respond(List.of(success(2), success(7), success(1)))).isEqualTo(1);
    refused(Errno.EINVAL, () -> faults.respond(List.of(new PageResponse(1, 2))));
    assertThat(faults.respond(List.of(success(1)))).isEqualTo(1);
  }

  @Test
  void detachAnswersWhatIsPending() {
    attach();
    request(100, 1, 0x1000);
    request(100, 2, 0x2000);
    faults.read(1);

    device.detachPasid(P100);
    refused(Errno.EINVAL, () -> faults.respond(List.of(success(1))));
    assertThat(faults.read(8)).isEmpty();
  }

  @Test
  void faultOfAPasidThatIsNotAttachedIsNotSeen() {
    request(100, 1, 0x1000);

    assertThat(faults.read(8)).isEmpty();
  }

  @Test
  void closedQueueRefusesEverything() {
    faults.close();

    refused(Errno.EBADF, () -> faults.read(8));
    refused(Errno.EBADF, () -> faults.respond(List.of(success(1))));
    done(faults::close);
  }
}
