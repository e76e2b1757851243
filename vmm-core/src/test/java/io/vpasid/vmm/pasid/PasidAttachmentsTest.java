package io.vpasid.vmm.pasid;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vpasid.pci.PciAddress;
import io.vpasid.synth.HardwareInfo;
import io.vpasid.vmm.iommufd.BoundDevice;
import io.vpasid.vmm.iommufd.HwptFlag;
import io.vpasid.vmm.iommufd.HwptId;
import io.vpasid.vmm.iommufd.HwptRequest;
import io.vpasid.vmm.iommufd.IoasId;
import io.vpasid.vmm.iommufd.Pasid;
import io.vpasid.vmm.iommufd.simulated.Request;
import io.vpasid.vmm.iommufd.simulated.SimulatedDevice;
import io.vpasid.vmm.iommufd.simulated.SimulatedHost;
import io.vpasid.vmm.iommufd.simulated.SimulatedIommufd;
import io.vpasid.vmm.linux.Errno;
import io.vpasid.vmm.pasid.AttachOutcome.Attached;
import io.vpasid.vmm.pasid.AttachOutcome.Replaced;
import io.vpasid.vmm.pasid.DetachOutcome.Detached;
import io.vpasid.vmm.pasid.DetachOutcome.NotAttached;
import io.vpasid.vmm.pasid.PasidLimits.WhenDisabled;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Supplier;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

class PasidAttachmentsTest {
  private static final HwptId A = new HwptId(3);
  private static final HwptId B = new HwptId(4);
  private static final NotAttached NOT_ATTACHED = new NotAttached();

  private final RecordingDevice device = new RecordingDevice();

  private PasidAttachments attachments(PasidLimits limits) {
    return new PasidAttachments(device, limits, () -> true);
  }

  private PasidAttachments attachments() {
    return attachments(PasidLimits.ofWidth(20));
  }

  private static Pasid pasid(int number) {
    return new Pasid(number);
  }

  private static Refusal refusal(AttachOutcome outcome) {
    assertThat(outcome).isInstanceOf(Refused.class);
    return ((Refused) outcome).reason();
  }

  @Test
  void freePasidIsAttached() {
    PasidAttachments attachments = attachments();

    assertThat(attachments.attach(pasid(7), A)).isEqualTo(new Attached(A));
    assertThat(attachments.isAttached(pasid(7))).isTrue();
    assertThat(attachments.pageTable(pasid(7))).contains(A);
    assertThat(attachments.count()).isEqualTo(1);
    assertThat(device.attached).containsEntry(pasid(7), A);
  }

  @Test
  void attachedPasidIsReplaced() {
    PasidAttachments attachments = attachments();
    attachments.attach(pasid(7), A);

    assertThat(attachments.attach(pasid(7), B)).isEqualTo(new Replaced(A, B));
    assertThat(attachments.pageTable(pasid(7))).contains(B);
    assertThat(attachments.count()).isEqualTo(1);
  }

  @Test
  void samePageTableAgainIsAReplaceThatTheBackendSees() {
    PasidAttachments attachments = attachments();
    List<Pasid> seen = new ArrayList<>();
    attachments.attach(pasid(7), A);
    device.onRequest = seen::add;

    assertThat(attachments.attach(pasid(7), A)).isEqualTo(new Replaced(A, A));
    assertThat(seen).containsExactly(pasid(7));
  }

  @Test
  void attachedPasidIsDetached() {
    PasidAttachments attachments = attachments();
    attachments.attach(pasid(7), A);

    assertThat(attachments.detach(pasid(7))).isEqualTo(new Detached(A));
    assertThat(attachments.isAttached(pasid(7))).isFalse();
    assertThat(attachments.pageTable(pasid(7))).isEmpty();
    assertThat(attachments.count()).isZero();
    assertThat(device.attached).isEmpty();
  }

  @Test
  void detachOfWhatIsNotAttachedAsksNobody() {
    PasidAttachments attachments = attachments();
    device.failure = () -> Optional.of(Errno.EIO);

    assertThat(attachments.detach(pasid(7))).isEqualTo(NOT_ATTACHED);
    assertThat(attachments.detach(pasid(0))).isEqualTo(NOT_ATTACHED);
    assertThat(attachments.detach(pasid(1 << 20))).isEqualTo(NOT_ATTACHED);
    assertThat(attachments.detach(pasid(-1))).isEqualTo(NOT_ATTACHED);
    assertThat(device.detached).isEmpty();
  }

  @Test
  void ioasStaysAnIoas() {
    PasidAttachments attachments = attachments();
    IoasId ioas = new IoasId(0x7fffffff);

    attachments.attach(pasid(7), ioas);
    assertThat(attachments.pageTable(pasid(7))).contains(ioas);
    assertThat(attachments.detach(pasid(7))).isEqualTo(new Detached(ioas));
  }

  @Nested
  class Limits {

    @Test
    void hostWithoutPasidsIsNotAsked() {
      PasidAttachments attachments = attachments(PasidLimits.of(HardwareInfo.NONE));
      device.failure = () -> Optional.of(Errno.EIO);

      Refusal refusal = refusal(attachments.attach(pasid(1), A));
      assertThat(refusal).isEqualTo(new Refusal.NoPasidOnHost());
      assertThat(refusal.errno()).isEqualTo(Errno.ENODEV);
      assertThat(attachments.detach(pasid(1))).isEqualTo(NOT_ATTACHED);
      assertThat(attachments.firstAttachedIn(pasid(0), pasid(-1))).isEmpty();
      assertThat(attachments.snapshot()).isEmpty();
    }

    @Test
    void pasidZeroIsRefused() {
      Refusal refusal = refusal(attachments().attach(pasid(0), A));

      assertThat(refusal).isEqualTo(new Refusal.PasidZero());
      assertThat(refusal.errno()).isEqualTo(Errno.EINVAL);
    }

    @Test
    void pasidsBeyondTheWidthAreRefused() {
      PasidAttachments attachments = attachments(PasidLimits.ofWidth(4));

      assertThat(attachments.attach(pasid(15), A)).isEqualTo(new Attached(A));
      assertThat(refusal(attachments.attach(pasid(16), A))).isEqualTo(new Refusal.BeyondWidth(4));
      assertThat(refusal(attachments.attach(pasid(0x80000000), A)))
          .isEqualTo(new Refusal.BeyondWidth(4));
      assertThat(refusal(attachments.attach(pasid(-1), A))).isEqualTo(new Refusal.BeyondWidth(4));
    }

    @Test
    void widthIsNeverAbove20Bits() {
      PasidLimits limits = PasidLimits.of(new HardwareInfo(24, false, false, true));

      assertThat(limits.width()).isEqualTo(20);
      assertThatThrownBy(() -> PasidLimits.ofWidth(21))
          .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void quotaLimitsAttachedPasidsButNotReplaces() {
      PasidAttachments attachments = attachments(PasidLimits.ofWidth(20).withQuota(2));
      attachments.attach(pasid(1), A);
      attachments.attach(pasid(2), A);

      Refusal refusal = refusal(attachments.attach(pasid(3), A));
      assertThat(refusal).isEqualTo(new Refusal.QuotaReached(2));
      assertThat(refusal.errno()).isEqualTo(Errno.ENOSPC);
      assertThat(attachments.attach(pasid(2), B)).isEqualTo(new Replaced(A, B));
      attachments.detach(pasid(1));
      assertThat(attachments.attach(pasid(3), A)).isEqualTo(new Attached(A));
    }

    @Test
    void quotaOfNoneAllowsNone() {
      PasidLimits none = PasidLimits.ofWidth(20).withQuota(0);

      assertThat(refusal(attachments(none).attach(pasid(1), A)))
          .isEqualTo(new Refusal.QuotaReached(0));
      assertThat(attachments(none).limits()).isEqualTo(none);
      assertThatThrownBy(() -> PasidLimits.ofWidth(20).withQuota(-1))
          .hasMessage("PASIDs have a width of 0 to 20 and a quota of at least 0, not 20 and -1");
      assertThatThrownBy(() -> PasidLimits.ofWidth(-1))
          .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void failedAttachGivesItsShareOfTheQuotaBack() {
      PasidAttachments attachments = attachments(PasidLimits.ofWidth(20).withQuota(1));
      device.failure = () -> Optional.of(Errno.EBUSY);
      attachments.attach(pasid(1), A);
      device.failure = Optional::empty;

      assertThat(attachments.attach(pasid(2), A)).isEqualTo(new Attached(A));
    }

    @Test
    void requestsAreRefusedWhileTheGuestHasPasidsDisabled() {
      AtomicBoolean enabled = new AtomicBoolean(false);
      PasidAttachments attachments =
          new PasidAttachments(device, PasidLimits.ofWidth(20), enabled::get);

      Refusal refusal = refusal(attachments.attach(pasid(7), A));
      assertThat(refusal).isEqualTo(new Refusal.NotEnabled());
      assertThat(refusal.errno()).isEqualTo(Errno.EPERM);
      enabled.set(true);
      assertThat(attachments.attach(pasid(7), A)).isEqualTo(new Attached(A));
    }

    @Test
    void attachmentsOutliveTheGuestsDisableAndCanBeDetached() {
      AtomicBoolean enabled = new AtomicBoolean(true);
      PasidAttachments attachments =
          new PasidAttachments(device, PasidLimits.ofWidth(20), enabled::get);
      attachments.attach(pasid(7), A);
      enabled.set(false);

      assertThat(attachments.isAttached(pasid(7))).isTrue();
      assertThat(refusal(attachments.attach(pasid(7), B))).isEqualTo(new Refusal.NotEnabled());
      assertThat(attachments.detach(pasid(7))).isEqualTo(new Detached(A));
    }

    @Test
    void requestsCanBeAllowedWhileTheGuestHasPasidsDisabled() {
      PasidLimits limits = PasidLimits.ofWidth(20).when(WhenDisabled.ALLOW);
      PasidAttachments attachments = new PasidAttachments(device, limits, () -> false);

      assertThat(attachments.attach(pasid(7), A)).isEqualTo(new Attached(A));
    }
  }

  @Nested
  class BackendFailures {

    @Test
    void failedAttachLeavesThePasidFree() {
      PasidAttachments attachments = attachments();
      device.failure = () -> Optional.of(Errno.EBUSY);

      Refused refused = (Refused) attachments.attach(pasid(7), A);
      assertThat(refused.reason()).isInstanceOf(Refusal.BackendFailed.class);
      assertThat(refused.reason().errno()).isEqualTo(Errno.EBUSY);
      assertThat(refused.text())
          .isEqualTo("PASID 7 is refused: REQUEST (PASID 7) failed with EBUSY (16).");
      assertThat(attachments.isAttached(pasid(7))).isFalse();
      assertThat(attachments.count()).isZero();
    }

    @Test
    void failedReplaceKeepsTheOldPageTable() {
      PasidAttachments attachments = attachments();
      attachments.attach(pasid(7), A);
      device.failure = () -> Optional.of(Errno.ENOMEM);

      assertThat(refusal(attachments.attach(pasid(7), B)).errno()).isEqualTo(Errno.ENOMEM);
      assertThat(attachments.pageTable(pasid(7))).contains(A);
      assertThat(attachments.count()).isEqualTo(1);
    }

    @Test
    void failedDetachKeepsThePasidAttached() {
      PasidAttachments attachments = attachments();
      attachments.attach(pasid(7), A);
      device.failure = () -> Optional.of(Errno.EIO);

      DetachOutcome outcome = attachments.detach(pasid(7));
      assertThat(outcome).isInstanceOf(Refused.class);
      assertThat(attachments.pageTable(pasid(7))).contains(A);
      assertThat(attachments.count()).isEqualTo(1);
    }

    @Test
    void bugInTheBackendChangesNothingAndIsThrown() {
      PasidAttachments attachments = attachments(PasidLimits.ofWidth(20).withQuota(1));
      device.onRequest =
          _ -> {
            throw new IllegalStateException("a bug");
          };

      assertThatThrownBy(() -> attachments.attach(pasid(7), A))
          .isInstanceOf(IllegalStateException.class);
      device.onRequest = _ -> {};
      assertThat(attachments.count()).isZero();
      assertThat(attachments.attach(pasid(7), A)).isEqualTo(new Attached(A));
    }

    @Test
    void everyFailingRequestOfASessionLeavesWhatWasThere() {
      PciAddress at = new PciAddress(0, 0x6a, 1, 0);
      long requests = session(at, 0);
      assertThat(requests).isGreaterThan(10);
      for (long failing = 1; failing <= requests; failing++) {
        session(at, failing);
      }
    }

    /// Attaches, replaces and detaches on the simulator, with one failing request.
    ///
    /// @return number of requests
    private long session(PciAddress at, long failing) {
      SimulatedHost host =
          SimulatedHost.builder().device(SimulatedDevice.at(at).pasidWidth(20)).build();
      SimulatedIommufd iommufd = host.open();
      BoundDevice bound = iommufd.bind(at);
      HwptRequest request =
          HwptRequest.paging(bound.id(), iommufd.ioasAlloc()).with(HwptFlag.PASID);
      HwptId first = iommufd.hwptAlloc(request);
      HwptId second = iommufd.hwptAlloc(request);
      PasidAttachments attachments =
          new PasidAttachments(bound, PasidLimits.ofWidth(20), () -> true);
      long before = host.failures().calls();
      host.failures().failCall(failing, Errno.EIO);
      for (int number = 1; number <= 4; number++) {
        step(host, at, attachments, () -> attachments.attach(pasid(1), first));
        step(host, at, attachments, () -> attachments.attach(pasid(2), second));
        step(host, at, attachments, () -> attachments.attach(pasid(1), second));
        step(host, at, attachments, () -> attachments.detach(pasid(2)));
      }
      long requests = host.failures().calls() - before;
      host.failures().clear();
      attachments.close();
      assertThat(host.attachedPasids(at)).isEmpty();
      return requests;
    }

    /// A refused step must leave everything as it was; after any step both sides agree.
    private void step(
        SimulatedHost host, PciAddress at, PasidAttachments attachments, Supplier<?> request) {
      List<Attachment> before = attachments.snapshot();
      Object outcome = request.get();
      List<Attachment> after = attachments.snapshot();
      assertThat(outcome instanceof Refused && !before.equals(after)).isFalse();
      assertThat(after).extracting(Attachment::pasid).isEqualTo(host.attachedPasids(at));
      assertThat(after)
          .allSatisfy(a ->
              assertThat(host.attachment(at, a.pasid()).orElseThrow()).isEqualTo(a.pageTable()));
    }
  }

  @Nested
  class Looking {

    @Test
    void firstAttachedInARangeIsFound() {
      PasidAttachments attachments = attachments();
      attachments.attach(pasid(5), A);
      attachments.attach(pasid(1024), A);
      attachments.attach(pasid((1 << 20) - 1), A);

      assertThat(attachments.firstAttachedIn(pasid(0), pasid(-1))).contains(pasid(5));
      assertThat(attachments.firstAttachedIn(pasid(5), pasid(5))).contains(pasid(5));
      assertThat(attachments.firstAttachedIn(pasid(6), pasid(1023))).isEmpty();
      assertThat(attachments.firstAttachedIn(pasid(6), pasid(1024))).contains(pasid(1024));
      assertThat(attachments.firstAttachedIn(pasid(1025), pasid(1 << 25)))
          .contains(pasid((1 << 20) - 1));
      assertThat(attachments.firstAttachedIn(pasid((1 << 20) - 1), pasid(-1)))
          .contains(pasid((1 << 20) - 1));
      assertThat(attachments.firstAttachedIn(pasid(1 << 20), pasid(-1))).isEmpty();
      assertThat(attachments.firstAttachedIn(pasid(6), pasid(4))).isEmpty();
    }

    @Test
    void snapshotIsAscending() {
      PasidAttachments attachments = attachments();
      attachments.attach(pasid(70000), A);
      attachments.attach(pasid(3), B);
      attachments.attach(pasid(4), A);

      assertThat(attachments.snapshot())
          .containsExactly(
              new Attachment(pasid(3), B),
              new Attachment(pasid(4), A),
              new Attachment(pasid(70000), A));
    }

    @Test
    void numbersThatAreNoPasidsAreNotAttached() {
      PasidAttachments attachments = attachments();

      assertThat(attachments.isAttached(pasid(0))).isFalse();
      assertThat(attachments.isAttached(pasid(-1))).isFalse();
      assertThat(attachments.pageTable(pasid(1 << 20))).isEmpty();
    }
  }

  @Nested
  class Closing {

    @Test
    void closeDetachesInAscendingOrder() {
      PasidAttachments attachments = attachments();
      attachments.attach(pasid(70000), A);
      attachments.attach(pasid(3), B);
      attachments.attach(pasid(1024), A);

      attachments.close();
      assertThat(device.detached).containsExactly(pasid(3), pasid(1024), pasid(70000));
      assertThat(attachments.count()).isZero();
      assertThat(device.attached).isEmpty();
    }

    @Test
    void closedAttachmentsRefuse() {
      PasidAttachments attachments = attachments();
      attachments.close();

      Refusal refusal = refusal(attachments.attach(pasid(7), A));
      assertThat(refusal).isEqualTo(new Refusal.Closed());
      assertThat(refusal.errno()).isEqualTo(Errno.ENODEV);
      assertThat(attachments.detach(pasid(7))).isEqualTo(NOT_ATTACHED);
      attachments.close();
      assertThat(device.detached).isEmpty();
    }

    @Test
    void closeGoesOnBehindAPasidThatCannotBeDetached() {
      PasidAttachments attachments = attachments();
      attachments.attach(pasid(1), A);
      attachments.attach(pasid(2), A);
      attachments.attach(pasid(3), A);
      List<Pasid> asked = new ArrayList<>();
      device.onRequest = asked::add;
      device.failure =
          () -> asked.getLast().value() == 2 ? Optional.of(Errno.EIO) : Optional.empty();

      PasidAttachments.Cleared cleared = attachments.detachAll();
      assertThat(asked).containsExactly(pasid(1), pasid(2), pasid(3));
      assertThat(cleared.detached()).isEqualTo(2);
      assertThat(cleared.refused()).extracting(Refused::pasid).containsExactly(pasid(2));
      assertThat(attachments.snapshot()).containsExactly(new Attachment(pasid(2), A));
    }

    @Test
    void detachAllOfOnePageTableLeavesTheOthers() {
      PasidAttachments attachments = attachments();
      attachments.attach(pasid(1), A);
      attachments.attach(pasid(2), B);
      attachments.attach(pasid(3), A);

      assertThat(attachments.detachAll(A)).isEqualTo(new PasidAttachments.Cleared(2, List.of()));

      assertThat(attachments.snapshot()).containsExactly(new Attachment(pasid(2), B));
      assertThat(attachments.count()).isEqualTo(1);
      assertThat(attachments.attach(pasid(2), A)).isEqualTo(new Replaced(B, A));
    }

    @Test
    void detachAllKeepsServingRequests() {
      PasidAttachments attachments = attachments();
      attachments.attach(pasid(1), A);
      attachments.detachAll();

      assertThat(attachments.attach(pasid(1), B)).isEqualTo(new Attached(B));
    }
  }

  @Nested
  class Outcomes {
    private record Told(long sequence, Pasid pasid, PasidOutcome outcome) {}

    private final List<Told> told = new ArrayList<>();

    private PasidAttachments observed() {
      return new PasidAttachments(
          device,
          PasidLimits.ofWidth(20),
          () -> true,
          (sequence, pasid, outcome) -> told.add(new Told(sequence, pasid, outcome)));
    }

    @Test
    void everythingThatHappensIsTold() {
      PasidAttachments attachments = observed();

      attachments.attach(pasid(7), A);
      attachments.attach(pasid(7), B);
      attachments.attach(pasid(0), A);
      attachments.detach(pasid(7));
      attachments.detach(pasid(7));
      assertThat(told)
          .containsExactly(
              new Told(1, pasid(7), new Attached(A)),
              new Told(2, pasid(7), new Replaced(A, B)),
              new Told(3, pasid(0), new Refused(pasid(0), new Refusal.PasidZero())),
              new Told(4, pasid(7), new DetachOutcome.Detached(B)));
    }

    @Test
    void closeIsTold() {
      PasidAttachments attachments = observed();
      attachments.attach(pasid(7), A);
      told.clear();

      attachments.close();
      assertThat(told).containsExactly(new Told(2, pasid(7), new DetachOutcome.Detached(A)));
    }
  }

  @Test
  void attachmentsOutliveAResetAndAreRefusedDuringIt() {
    PciAddress at = new PciAddress(0, 0x6a, 1, 0);
    SimulatedHost host =
        SimulatedHost.builder().device(SimulatedDevice.at(at).pasidWidth(20)).build();
    SimulatedIommufd iommufd = host.open();
    BoundDevice bound = iommufd.bind(at);
    HwptId hwpt =
        iommufd.hwptAlloc(HwptRequest.paging(bound.id(), iommufd.ioasAlloc()).with(HwptFlag.PASID));
    PasidAttachments attachments =
        new PasidAttachments(bound, PasidLimits.of(bound.hwInfo().hardwareInfo()), () -> true);
    attachments.attach(pasid(7), hwpt);

    try (SimulatedHost.Held _ = host.beginReset(at)) {
      assertThat(refusal(attachments.attach(pasid(8), hwpt)).errno()).isEqualTo(Errno.EBUSY);
    }
    assertThat(attachments.snapshot()).containsExactly(new Attachment(pasid(7), hwpt));
    assertThat(host.attachment(at, pasid(7))).contains(hwpt);
    host.failures().failEvery(Request.DETACH_PASID, Errno.EIO);
    attachments.close();
    bound.close();
    assertThat(host.nothingAttached(at)).as("the function's own close does the rest").isTrue();
  }
}
