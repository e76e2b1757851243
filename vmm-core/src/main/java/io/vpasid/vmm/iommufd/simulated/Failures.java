package io.vpasid.vmm.iommufd.simulated;

import io.vpasid.vmm.linux.Errno;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;

/// Lets requests to a [SimulatedHost] fail, as plans that take effect from then on.
///
/// A request that is made to fail by its name or number fails before it does anything. One that
/// runs out of memory, or whose IOMMU driver fails, fails in the middle and undoes what it did.
public final class Failures {
  private record Planned(long call, Errno errno) {}

  private final List<Planned> calls = new ArrayList<>();
  private final Map<Request, List<Errno>> next = new EnumMap<>(Request.class);
  private final Map<Request, Errno> always = new EnumMap<>(Request.class);
  private final List<Errno> driver = new ArrayList<>();
  private long made;
  private long allocations;
  private long failingAllocation;
  private boolean writeBackFails;
  private volatile boolean planned;
  private volatile Consumer<Request> observer = _ -> {};
  private volatile boolean observed;

  Failures() {}

  /// The next request of this kind fails; planned twice, the next two do.
  public synchronized void failNext(Request request, Errno errno) {
    next.computeIfAbsent(request, _ -> new ArrayList<>()).add(errno);
    planned = true;
  }

  /// Every request of this kind fails.
  public synchronized void failEvery(Request request, Errno errno) {
    always.put(request, errno);
    planned = true;
  }

  /// A request fails by its number.
  ///
  /// @param number 1 for the next request, whichever it is, 2 for the one after that
  public synchronized void failCall(long number, Errno errno) {
    calls.add(new Planned(made + number, errno));
    planned = true;
  }

  /// The kernel runs out of memory (ENOMEM) once.
  ///
  /// @param number 1 at the next allocation, 2 at the one after that
  public synchronized void failAllocation(long number) {
    failingAllocation = allocations + number;
  }

  /// The IOMMU driver fails when it is next told to attach.
  public synchronized void failDriver(Errno errno) {
    driver.add(errno);
    planned = true;
  }

  /// The answer to the next attach cannot be written to the caller's memory (EFAULT): the kernel
  /// then detaches the function itself, even if a PASID was attached, which stays.
  public synchronized void failWriteBack() {
    writeBackFails = true;
    planned = true;
  }

  /// How many failures that were planned [by number][#failCall] are still to come.
  public synchronized int callsPlanned() {
    return calls.size();
  }

  /// Takes back every plan.
  public synchronized void clear() {
    calls.clear();
    next.clear();
    always.clear();
    driver.clear();
    failingAllocation = 0;
    writeBackFails = false;
    planned = false;
  }

  /// Calls this before every request, on its thread and with no lock held; it may block.
  public void beforeEach(Consumer<Request> hook) {
    observer = hook;
    observed = true;
  }

  /// Number of requests so far, the failed ones too.
  public synchronized long calls() {
    return made;
  }

  /// Number of the simulated kernel's allocations so far, the failed one too.
  public synchronized long allocations() {
    return allocations;
  }

  void announce(Request request) {
    if (observed) {
      observer.accept(request);
    }
  }

  /// @throws KernelError if the request shall fail
  synchronized void enter(Request request) {
    made++;
    if (planned) {
      errnoFor(request)
          .ifPresent(errno -> {
            throw new KernelError(errno);
          });
    }
  }

  private Optional<Errno> errnoFor(Request request) {
    for (Planned p : calls) {
      if (p.call == made) {
        calls.remove(p);
        return Optional.of(p.errno);
      }
    }
    List<Errno> queue = next.get(request);
    if (queue != null && !queue.isEmpty()) {
      return Optional.of(queue.removeFirst());
    }
    return Optional.ofNullable(always.get(request));
  }

  /// @throws KernelError ENOMEM if this allocation shall fail
  synchronized void allocate() {
    if (++allocations == failingAllocation) {
      throw new KernelError(Errno.ENOMEM);
    }
  }

  /// @throws KernelError if the driver shall fail
  void enterDriver() {
    if (planned) {
      synchronized (this) {
        if (!driver.isEmpty()) {
          throw new KernelError(driver.removeFirst());
        }
      }
    }
  }

  boolean takeWriteBackFailure() {
    if (!planned) {
      return false;
    }
    synchronized (this) {
      boolean fails = writeBackFails;
      writeBackFails = false;
      return fails;
    }
  }
}
