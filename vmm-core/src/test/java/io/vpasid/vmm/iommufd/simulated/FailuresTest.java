package io.vpasid.vmm.iommufd.simulated;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.vpasid.pci.PciAddress;
import io.vpasid.vmm.iommufd.BoundDevice;
import io.vpasid.vmm.iommufd.FaultQueue;
import io.vpasid.vmm.iommufd.HwptData;
import io.vpasid.vmm.iommufd.HwptFlag;
import io.vpasid.vmm.iommufd.HwptId;
import io.vpasid.vmm.iommufd.HwptRequest;
import io.vpasid.vmm.iommufd.IoasId;
import io.vpasid.vmm.iommufd.IommufdException;
import io.vpasid.vmm.iommufd.IovaAccess;
import io.vpasid.vmm.iommufd.Pasid;
import io.vpasid.vmm.linux.Errno;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.Test;

class FailuresTest {
  private static final PciAddress AT = new PciAddress(0, 0x6a, 1, 0);
  private static final Pasid P200 = new Pasid(200);
  private static final HwptData.VtdS1 GUEST_TABLE = new HwptData.VtdS1(0, 0x1000, 48);

  /// A VMM's whole life with a device, one request at a step.
  @SuppressWarnings("NullAway.Init") // the steps set the fields, in their order
  private static final class Session {
    final SimulatedHost host =
        SimulatedHost.builder().device(SimulatedDevice.at(AT).pasidWidth(20)).build();
    final SimulatedIommufd iommufd = host.open();
    final MemorySegment memory = Arena.ofAuto().allocate(8192, 4096);
    final List<Runnable> steps = new ArrayList<>();

    private BoundDevice device;
    private IoasId ioas;
    private HwptId parent;
    private HwptId paging;
    private HwptId nested;
    private FaultQueue faults;

    Session() {
      steps.add(() -> device = iommufd.bind(AT));
      steps.add(() -> device.hwInfo());
      steps.add(() -> ioas = iommufd.ioasAlloc());
      steps.add(() -> iommufd.mapAt(ioas, 0x4000_0000L, memory, IovaAccess.READ_WRITE));
      steps.add(() -> device.attach(ioas));
      steps.add(() -> iommufd.map(ioas, memory, IovaAccess.READ_ONLY));
      steps.add(() ->
          parent =
              iommufd.hwptAlloc(
                  HwptRequest.paging(device.id(), ioas)
                      .with(HwptFlag.NEST_PARENT)
                      .with(HwptFlag.PASID)));
      steps.add(() -> device.attach(parent));
      steps.add(() -> faults = iommufd.faultQueueAlloc());
      steps.add(() ->
          nested =
              iommufd.hwptAlloc(
                  HwptRequest.nested(device.id(), parent, GUEST_TABLE)
                      .with(HwptFlag.PASID)
                      .withFaults(faults.id())));
      steps.add(() ->
          paging = iommufd.hwptAlloc(HwptRequest.paging(device.id(), ioas).with(HwptFlag.PASID)));
      steps.add(() -> device.attachPasid(P200, parent));
      steps.add(() -> device.attachPasid(P200, nested));
      steps.add(() -> device.attachPasid(P200, paging));
      steps.add(() -> device.reset());
      steps.add(() -> device.detachPasid(P200));
      steps.add(() -> device.detach());
      steps.add(() -> iommufd.destroy(nested));
      steps.add(() -> iommufd.destroy(parent));
      steps.add(() -> iommufd.destroy(paging));
      steps.add(() -> iommufd.unmapAll(ioas));
      steps.add(() -> iommufd.destroy(ioas));
    }

    /// Whatever may be asked while a PASID is attached.
    List<Runnable> inquiries() {
      return List.of(
          iommufd::objects,
          () -> iommufd.users(ioas),
          () -> iommufd.pageTable(paging),
          () -> iommufd.mappings(ioas),
          () -> iommufd.iovaRanges(ioas),
          () -> device.info(),
          () -> device.hwInfo(),
          () -> faults.await(Duration.ZERO),
          () -> host.request(AT, new PageRequest(P200, 1, true, 1, 0x1000)),
          () -> faults.read(8),
          () -> host.takeAnswers(AT),
          () -> host.attachment(AT),
          () -> host.attachment(AT, P200),
          () -> host.translates(AT, P200),
          () -> host.attachedPasids(AT),
          () -> host.attachedPasidCount(AT),
          () -> host.nothingAttached(AT),
          host::pinnedBytes,
          () -> host.beginReset(AT).close(),
          () -> host.openFile(true));
    }

    /// Makes every request once, and once more if it fails; a failed one must have changed nothing.
    ///
    /// @return the failures
    List<Errno> run() {
      List<Errno> failures = new ArrayList<>();
      for (Runnable step : steps) {
        Snapshot before = Snapshot.of(iommufd, AT);
        IommufdException failure = catchThrowableOfType(IommufdException.class, step::run);
        if (failure != null) {
          failures.add(failure.errno());
          assertThat(Snapshot.of(iommufd, AT)).as(failure.getMessage()).isEqualTo(before);
          step.run();
        }
      }
      return failures;
    }

    void end() {
      device.close();
      faults.close();
      iommufd.close();
      assertThat(host.nothingAttached(AT)).isTrue();
      assertThat(host.pinnedBytes()).isZero();
      assertThat(iommufd.objects()).isEmpty();
    }
  }

  @Test
  void s23EveryFailingAllocationKeepsTheOldState() {
    Session whole = new Session();
    assertThat(whole.run()).isEmpty();
    long allocations = whole.host.failures().allocations();
    assertThat(allocations).isGreaterThan(10);

    for (long number = 1; number <= allocations; number++) {
      Session session = new Session();
      session.host.failures().failAllocation(number);
      assertThat(session.run()).containsExactly(Errno.ENOMEM);
      session.end();
    }
  }

  @Test
  void everyFailingRequestKeepsTheOldState() {
    Session whole = new Session();
    whole.run();
    long calls = whole.host.failures().calls();
    assertThat(calls).isEqualTo(whole.steps.size());

    for (long number = 1; number <= calls; number++) {
      Session session = new Session();
      session.host.failures().failCall(number, Errno.EIO);
      assertThat(session.run()).containsExactly(Errno.EIO);
      session.end();
    }
  }

  /// Whoever makes a request, or asks, must not keep the host from the threads of other functions.
  @Test
  void hostIsFreeForOthersAfterEachRequestAndInquiry() throws Exception {
    Session session = new Session();
    SimulatedHost host = session.host;
    for (Runnable step : session.steps) {
      step.run();
      assertFree(host);
      if (host.attachment(AT, P200).isPresent()) {
        for (Runnable inquiry : session.inquiries()) {
          inquiry.run();
          assertFree(host);
        }
      }
    }
    PciAddress other = new PciAddress(0, 0x6b, 0, 0);
    host.add(SimulatedDevice.at(other));
    assertFree(host);
    host.remove(other);
    assertFree(host);
    session.device.close();
    assertFree(host);
    session.faults.close();
    assertFree(host);
    session.iommufd.close();
    assertFree(host);
  }

  private static void assertFree(SimulatedHost host) throws Exception {
    FutureTask<Boolean> other = new FutureTask<>(() -> host.isBound(AT));
    Thread.ofVirtual().start(other);
    assertThat(other.get(20, SECONDS)).isNotNull();
  }

  @Test
  void failureByNumberIsPlannedUntilItComes() {
    Session session = new Session();
    session.host.failures().failCall(2, Errno.EIO);

    assertThat(session.iommufd.ioasAlloc()).isEqualTo(new IoasId(1));
    assertThat(session.host.failures().callsPlanned()).isEqualTo(1);
    assertThatThrownBy(session.iommufd::ioasAlloc).hasMessageContaining("EIO");
    assertThat(session.host.failures().callsPlanned()).isZero();
  }

  @Test
  void plannedFailuresAreUsedUpInOrder() {
    Session session = new Session();
    session.host.failures().failNext(Request.IOAS_ALLOC, Errno.ENOMEM);
    session.host.failures().failNext(Request.IOAS_ALLOC, Errno.EIO);

    assertThatThrownBy(session.iommufd::ioasAlloc).hasMessageContaining("ENOMEM");
    assertThatThrownBy(session.iommufd::ioasAlloc).hasMessageContaining("EIO");
    assertThat(session.iommufd.ioasAlloc()).isEqualTo(new IoasId(1));
  }

  @Test
  void everyRequestOfAKindFailsUntilThePlansAreTakenBack() {
    Session session = new Session();
    session.host.failures().failEvery(Request.IOAS_ALLOC, Errno.ENOMEM);

    assertThatThrownBy(session.iommufd::ioasAlloc).hasMessageContaining("ENOMEM");
    assertThatThrownBy(session.iommufd::ioasAlloc).hasMessageContaining("ENOMEM");
    session.host.failures().clear();
    assertThat(session.iommufd.ioasAlloc()).isEqualTo(new IoasId(1));
  }

  @Test
  void driverFailureOnAFreshPasidLeavesItFree() {
    Session session = new Session();
    session.run();
    BoundDevice device = session.device;
    IoasId ioas = session.iommufd.ioasAlloc();
    HwptId hwpt =
        session.iommufd.hwptAlloc(HwptRequest.paging(device.id(), ioas).with(HwptFlag.PASID));
    session.host.failures().failDriver(Errno.ENOSPC);

    assertThatThrownBy(() -> device.attachPasid(P200, hwpt)).hasMessageContaining("ENOSPC");
    assertThat(session.host.nothingAttached(AT)).isTrue();
    assertThat(device.attachPasid(P200, hwpt)).isEqualTo(hwpt);
  }

  @Test
  void x15AnswerThatCannotBeWrittenDetachesTheFunctionAndKeepsThePasid() {
    Session session = new Session();
    session.run();
    BoundDevice device = session.device;
    IoasId ioas = session.iommufd.ioasAlloc();
    HwptId hwpt =
        session.iommufd.hwptAlloc(HwptRequest.paging(device.id(), ioas).with(HwptFlag.PASID));
    device.attach(hwpt);
    session.host.failures().failWriteBack();

    assertThatThrownBy(() -> device.attachPasid(P200, hwpt)).hasMessageContaining("EFAULT");
    assertThat(session.host.attachment(AT)).isEmpty();
    assertThat(session.host.attachment(AT, P200)).contains(hwpt);
  }

  @Test
  void hookSeesEveryRequestBeforeItIsServed() {
    Session session = new Session();
    List<Request> seen = new ArrayList<>();
    session.host.failures().beforeEach(seen::add);

    session.iommufd.ioasAlloc();
    session.iommufd.faultQueueAlloc();
    assertThat(seen).containsExactly(Request.IOAS_ALLOC, Request.FAULT_QUEUE_ALLOC);
  }
}
