package io.vpasid.vmm.frontend.nested;

import io.vpasid.vmm.frontend.vtd.PageRequest;
import io.vpasid.vmm.frontend.vtd.PageResponse;
import io.vpasid.vmm.frontend.vtd.Requester;
import io.vpasid.vmm.frontend.vtd.SourceId;
import io.vpasid.vmm.frontend.vtd.VtdReports;
import io.vpasid.vmm.iommufd.DeviceId;
import io.vpasid.vmm.iommufd.FaultId;
import io.vpasid.vmm.iommufd.FaultQueue;
import io.vpasid.vmm.iommufd.IommufdBackend;
import io.vpasid.vmm.iommufd.IommufdException;
import io.vpasid.vmm.iommufd.PageFault;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;

/// Carries page requests from the host's fault queue into the guest's queue, and the guest's
/// answers back.
///
/// A thread of its own waits for requests; a wait point that drains them reads the queue too. A
/// group waits for its answer under what the guest will name it by: requester and group index. An
/// answer that nobody waits for is dropped.
final class PageRequestRelay implements AutoCloseable {
  private static final int MAX_FAULTS = 1024;
  private static final int MAX_GROUP = 0x1ff;
  private static final Duration WAIT = Duration.ofSeconds(10);

  private final IommufdBackend iommufd;
  private final FaultQueue queue;
  private final VtdReports reports;
  private final Function<DeviceId, Optional<SourceId>> functions;
  private final Map<Group, Integer> cookies = new ConcurrentHashMap<>();
  private final Thread thread;
  private volatile boolean closed;

  private record Group(Requester requester, int index) {}

  /// Makes the queue and begins to wait.
  ///
  /// @param functions the covered function that a device is
  /// @throws IommufdException if there can be no queue
  PageRequestRelay(
      IommufdBackend iommufd,
      VtdReports reports,
      Function<DeviceId, Optional<SourceId>> functions) {
    this.iommufd = iommufd;
    this.reports = reports;
    this.functions = functions;
    queue = iommufd.faultQueueAlloc();
    thread = Thread.ofPlatform().daemon().name("vtd-page-requests").start(this::run);
  }

  FaultId id() {
    return queue.id();
  }

  private void run() {
    try {
      while (!closed) {
        if (queue.await(WAIT)) {
          relay();
        }
      }
    } catch (IommufdException e) {
      if (!closed) {
        throw e;
      }
    }
  }

  /// Hands on what waits in the host's queue.
  synchronized void relay() {
    for (List<PageFault> faults = queue.read(MAX_FAULTS);
        !faults.isEmpty();
        faults = queue.read(MAX_FAULTS)) {
      faults.forEach(this::relay);
    }
  }

  private void relay(PageFault fault) {
    Optional<SourceId> function = functions.apply(fault.device());
    int pasid = fault.hasPasid() ? fault.pasid().value() : 0;
    if (function.isEmpty()
        || pasid < 0
        || pasid >= Requester.PASIDS
        || fault.group() > MAX_GROUP
        || fault.group() < 0) {
      if (fault.isLast()) {
        respond(fault.cookie(), PageResponse.Code.INVALID_REQUEST);
      }
      return;
    }
    Requester requester = Requester.of(function.get(), pasid);
    Group group = new Group(requester, fault.group());
    if (fault.isLast()) {
      // Known before the guest can answer.
      Integer forgotten = cookies.put(group, fault.cookie());
      if (forgotten != null && forgotten != fault.cookie()) {
        respond(forgotten, PageResponse.Code.INVALID_REQUEST);
      }
    }
    PageRequest.Outcome outcome =
        reports.requestPage(
            new PageRequest(
                requester,
                fault.group(),
                fault.isLast(),
                fault.address(),
                (fault.permissions() & PageFault.READ) != 0,
                (fault.permissions() & PageFault.WRITE) != 0,
                (fault.permissions() & PageFault.EXEC) != 0,
                (fault.permissions() & PageFault.PRIV) != 0));
    if (fault.isLast()) {
      switch (outcome) {
        case QUEUED -> {}
        case OVERFLOW -> answer(group, PageResponse.Code.SUCCESS);
        case REFUSED -> answer(group, PageResponse.Code.INVALID_REQUEST);
      }
    }
  }

  /// Hands the guest's answer on.
  void answer(PageResponse response) {
    answer(new Group(response.requester(), response.group()), response.code());
  }

  private void answer(Group group, PageResponse.Code code) {
    Integer cookie = cookies.remove(group);
    if (cookie != null) {
      respond(cookie, code);
    }
  }

  /// Answers for a guest that does not.
  void answerAll() {
    cookies.keySet().forEach(group -> answer(group, PageResponse.Code.INVALID_REQUEST));
  }

  /// Tells the kernel, which has answered already if the page table was detached meanwhile.
  private void respond(int cookie, PageResponse.Code code) {
    int kernels =
        code == PageResponse.Code.SUCCESS
            ? io.vpasid.vmm.iommufd.PageResponse.SUCCESS
            : io.vpasid.vmm.iommufd.PageResponse.INVALID;
    try {
      queue.respond(List.of(new io.vpasid.vmm.iommufd.PageResponse(cookie, kernels)));
    } catch (IommufdException e) {
      System.getLogger(PageRequestRelay.class.getName())
          .log(System.Logger.Level.DEBUG, "A group of page requests needs no answer any more", e);
    }
  }

  /// Answers what is open and ends. No page table sends faults to the queue any more.
  @Override
  public void close() {
    answerAll();
    closed = true;
    queue.close();
    try {
      thread.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    iommufd.destroy(queue.id());
  }
}
