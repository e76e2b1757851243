package io.vpasid.vmm.iommufd.simulated;

import io.vpasid.vmm.iommufd.FaultId;
import io.vpasid.vmm.iommufd.FaultQueue;
import io.vpasid.vmm.iommufd.PageFault;
import io.vpasid.vmm.iommufd.PageResponse;
import io.vpasid.vmm.iommufd.simulated.KernelObject.Fault;
import io.vpasid.vmm.linux.Errno;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/// The file of a fault queue.
final class SimulatedFaultQueue implements FaultQueue {
  private final SimulatedHost host;
  private final SimulatedIommufd context;
  private final Fault object;
  private boolean closed;

  SimulatedFaultQueue(SimulatedHost host, SimulatedIommufd context, Fault object) {
    this.host = host;
    this.context = context;
    this.object = object;
  }

  @Override
  public FaultId id() {
    return object.name();
  }

  @Override
  public boolean await(Duration timeout) {
    host.lock();
    try {
      long left = timeout.toNanos();
      while (object.waiting.isEmpty() && !closed && left > 0) {
        left = host.faultsCame().awaitNanos(left);
      }
      return !object.waiting.isEmpty();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    } finally {
      host.unlock();
    }
  }

  @Override
  public List<PageFault> read(int maxFaults) {
    host.failures().announce(Request.FAULT_READ);
    host.lock();
    try {
      enter(Request.FAULT_READ);
      List<PageFault> faults = new ArrayList<>();
      FaultGroup next = object.waiting.peek();
      while (next != null && faults.size() + next.requests().size() <= maxFaults) {
        object.waiting.remove();
        int cookie = freeCookie();
        object.answering.put(cookie, next);
        faults.addAll(records(next, cookie));
        next = object.waiting.peek();
      }
      if (faults.isEmpty() && next != null) {
        throw new KernelError(Errno.EINVAL);
      }
      return faults;
    } catch (KernelError e) {
      throw e.of(Request.FAULT_READ, id() + ", room for " + maxFaults);
    } finally {
      host.unlock();
    }
  }

  private int freeCookie() {
    int cookie = 1;
    while (object.answering.containsKey(cookie)) {
      cookie++;
    }
    return cookie;
  }

  private static List<PageFault> records(FaultGroup group, int cookie) {
    List<PageFault> records = new ArrayList<>();
    for (PageRequest request : group.requests()) {
      int flags = request.last() ? PageFault.LAST_PAGE : 0;
      if (request.pasid().value() != 0) {
        flags |= PageFault.PASID_VALID;
      }
      records.add(
          new PageFault(
              flags,
              group.device().id(),
              request.pasid(),
              request.group(),
              request.permissions(),
              request.address(),
              0,
              cookie));
    }
    return records;
  }

  @Override
  public int respond(List<PageResponse> responses) {
    host.failures().announce(Request.FAULT_RESPOND);
    host.lock();
    try {
      enter(Request.FAULT_RESPOND);
      int done = 0;
      for (PageResponse response : responses) {
        boolean known =
            response.code() == PageResponse.SUCCESS || response.code() == PageResponse.INVALID;
        FaultGroup group = known ? object.answering.remove(response.cookie()) : null;
        if (group == null) {
          break;
        }
        group.device().host().answer(group.requests(), response.code());
        done++;
      }
      if (done == 0 && !responses.isEmpty()) {
        throw new KernelError(Errno.EINVAL);
      }
      return done;
    } catch (KernelError e) {
      throw e.of(Request.FAULT_RESPOND, id() + ", " + responses.size() + " responses");
    } finally {
      host.unlock();
    }
  }

  private void enter(Request request) {
    host.failures().enter(request);
    if (closed) {
      throw new KernelError(Errno.EBADF);
    }
  }

  @Override
  public void close() {
    host.lock();
    try {
      if (!closed) {
        closed = true;
        object.users--;
        context.letGo();
        host.faultsCame().signalAll();
      }
    } finally {
      host.unlock();
    }
  }
}
