package io.vpasid.guest.daemon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.vpasid.guest.control.ControlException;
import io.vpasid.vmm.iommufd.IommufdException;
import io.vpasid.vmm.linux.Errno;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;

/// Requests to a kernel that does not return.
class LongRequestsTest {
  private final LongRequests requests = new LongRequests(Duration.ofMillis(50));
  private final CountDownLatch kernel = new CountDownLatch(1);

  /// What a thread inside a system call does: no interrupt ends it.
  private int stuck() {
    while (kernel.getCount() > 0) {
      try {
        kernel.await();
      } catch (InterruptedException _) {
        // as in the kernel
      }
    }
    return 7;
  }

  @Test
  void requestThatDoesNotReturnKeepsNobodyWaitingButItsFunction() {
    assertThatThrownBy(() -> requests.ask("gpu", "pasid-attach", this::stuck))
        .isInstanceOf(ControlException.class)
        .hasMessage("the pasid-attach of function 'gpu' takes more than 0 seconds, and goes on");
    assertThatThrownBy(() -> requests.ask("gpu", "config-read", () -> 1))
        .isInstanceOf(ControlException.class)
        .hasMessage(
            "function 'gpu' is busy: its pasid-attach is still under way; ask again when that is"
                + " done");
    assertThat(requests.<Integer>ask("nic", "config-read", () -> 1)).isEqualTo(1);

    kernel.countDown();

    await().ignoreExceptions().until(() -> requests.ask("gpu", "config-read", () -> 2) == 2);
  }

  @Test
  void whatARequestThrowsIsThrown() {
    IommufdException busy = new IommufdException(Errno.EBUSY, "VFIO_DEVICE_RESET", "");

    assertThatThrownBy(() ->
            requests.ask(
                "gpu",
                "reset",
                () -> {
                  throw busy;
                }))
        .isSameAs(busy);
    assertThat(requests.<Integer>ask("gpu", "config-read", () -> 1)).isEqualTo(1);
  }
}
