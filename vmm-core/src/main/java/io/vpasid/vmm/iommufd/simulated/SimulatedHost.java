package io.vpasid.vmm.iommufd.simulated;

import io.vpasid.pci.PciAddress;
import io.vpasid.vmm.iommufd.HwptId;
import io.vpasid.vmm.iommufd.PageResponse;
import io.vpasid.vmm.iommufd.Pasid;
import io.vpasid.vmm.iommufd.simulated.KernelObject.Hwpt;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// A machine with an IOMMU, a kernel and some functions that are bound to VFIO.
///
/// ```java
/// SimulatedHost host =
///     SimulatedHost.builder()
///         .iommu(IommuProfile.intel())
///         .device(SimulatedDevice.at(address).pasidWidth(20).priv(true))
///         .build();
/// try (IommufdBackend iommufd = host.open()) {
///   BoundDevice device = iommufd.bind(address);
///   ...
/// }
/// assert host.nothingAttached(address);
/// ```
///
/// Safe to use from several threads: requests are served one after the other, as the kernel serves
/// those of one device. It holds a PASID in 4 bytes, so that a function can have all 2^20 attached.
public final class SimulatedHost {

  /// Interface of a kernel for PASIDs.
  public enum PasidInterface {
    /// With a flag in the attach and detach requests, from Linux 6.15 on.
    MAINLINE,
    /// With requests of their own, as the patch series of September 2024 had it: no
    /// [io.vpasid.vmm.iommufd.HwptFlag#PASID] is needed, an IOAS will do, and the page table is not
    /// written back.
    SEPTEMBER_2024
  }

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition faultsCame = lock.newCondition();
  private final IommuProfile iommu;
  private final KernelVersion kernel;
  private final PasidInterface pasidInterface;
  private final @Nullable SimulatedDevice template;
  private final @Nullable Consumer<HardwareChange> observer;
  private final Map<PciAddress, HostDevice> devices = new LinkedHashMap<>();
  private final Map<Integer, Group> groups = new HashMap<>();
  private final Failures failures = new Failures();
  private final HostMemory memory;

  private SimulatedHost(Builder builder) {
    iommu = builder.iommu;
    kernel = builder.kernel;
    pasidInterface = builder.pasidInterface;
    template = builder.template;
    observer = builder.observer;
    memory = new HostMemory(builder.lockedMemory);
    builder.devices.forEach(this::plug);
  }

  /// A host that has, unless told otherwise, Intel VT-d, Linux 7.3 and no functions.
  public static Builder builder() {
    return new Builder();
  }

  /// Opens `/dev/iommu`.
  public SimulatedIommufd open() {
    return new SimulatedIommufd(this);
  }

  /// Plugs a function in while the host runs.
  ///
  /// @throws IllegalArgumentException if there is one at its address
  public void add(SimulatedDevice description) {
    lock();
    try {
      if (devices.containsKey(description.address())) {
        throw new IllegalArgumentException(
            "There is a function at " + description.address() + " already");
      }
      plug(description);
    } finally {
      unlock();
    }
  }

  /// Unplugs a function that nobody has open.
  ///
  /// @throws IllegalArgumentException if there is no such function, or it is open
  public void remove(PciAddress function) {
    lock();
    try {
      HostDevice device = devices.get(function);
      if (device == null || device.bound != null) {
        throw new IllegalArgumentException(
            "There is no function at " + function + " that could be unplugged");
      }
      devices.remove(function);
      device.group.members.remove(device);
    } finally {
      unlock();
    }
  }

  /// The plans for requests that fail.
  public Failures failures() {
    return failures;
  }

  /// The release that it runs.
  public KernelVersion kernel() {
    return kernel;
  }

  /// Opens the VFIO group file of a function, which keeps every function of the group from being
  /// bound until it is closed.
  ///
  /// @throws IllegalArgumentException if there is no such function
  public Held openGroup(PciAddress function) {
    Group group = device(function).group;
    locked(() -> group.fileOpen = true);
    return () -> locked(() -> group.fileOpen = false);
  }

  /// Begins a reset of a function, from wherever it comes; it ends when the result is closed.
  ///
  /// @throws IllegalArgumentException if there is no such function
  public Held beginReset(PciAddress function) {
    HostDevice device = device(function);
    locked(() -> device.resetting = true);
    return () -> locked(() -> device.resetting = false);
  }

  /// Makes an open file that [io.vpasid.vmm.iommufd.IommufdBackend#mapFile] can map.
  ///
  /// @param mappable whether it is a memfd or dma-buf; another file fails with EINVAL when its
  ///   pages are needed
  /// @return its descriptor
  public int openFile(boolean mappable) {
    return locked(() -> memory.openFile(mappable));
  }

  /// Lets a function send page requests.
  ///
  /// @throws IllegalArgumentException if there is no such function
  public void request(PciAddress function, PageRequest... requests) {
    HostDevice device = device(function);
    lock();
    try {
      for (PageRequest request : requests) {
        receive(device, request);
      }
    } finally {
      unlock();
    }
  }

  /// The answers to a function's page requests since the last call, oldest first.
  ///
  /// @throws IllegalArgumentException if there is no such function
  public List<PageAnswer> takeAnswers(PciAddress function) {
    HostDevice device = device(function);
    return locked(device::takeAnswers);
  }

  /// The page table of a function itself; empty if there is none.
  ///
  /// @throws IllegalArgumentException if there is no such function
  public Optional<HwptId> attachment(PciAddress function) {
    return attachment(function, new Pasid(0));
  }

  /// The page table of a PASID of a function; empty if there is none.
  ///
  /// @throws IllegalArgumentException if there is no such function
  public Optional<HwptId> attachment(PciAddress function, Pasid pasid) {
    HostDevice device = device(function);
    return locked(() -> {
      SimulatedBoundDevice bound = device.bound;
      Hwpt pageTable = bound == null || pasid.value() < 0 ? null : bound.pageTable(pasid.value());
      return Optional.ofNullable(pageTable).map(Hwpt::name);
    });
  }

  /// True if the IOMMU translates for a PASID (0: for the function itself). It does not for PASIDs
  /// of a function without any, though the kernel says that they are attached, nor after a
  /// replacement that failed half way.
  ///
  /// @throws IllegalArgumentException if there is no such function
  public boolean translates(PciAddress function, Pasid pasid) {
    HostDevice device = device(function);
    return locked(() ->
        pasid.value() >= 0
            && device.group.current(pasid.value()) != null
            && (pasid.value() == 0 || device.maxPasids > 0)
            && !device.missing.contains(pasid.value()));
  }

  /// The attached PASIDs of a function, ascending.
  ///
  /// @throws IllegalArgumentException if there is no such function
  public List<Pasid> attachedPasids(PciAddress function) {
    HostDevice device = device(function);
    lock();
    try {
      List<Pasid> attached = new ArrayList<>();
      SimulatedBoundDevice bound = device.bound;
      for (int at = next(bound, 1); at >= 0; at = next(bound, at + 1)) {
        attached.add(new Pasid(at));
      }
      return attached;
    } finally {
      unlock();
    }
  }

  private static int next(@Nullable SimulatedBoundDevice bound, int from) {
    return bound == null ? -1 : bound.nextPasid(from);
  }

  /// Number of attached PASIDs of a function.
  ///
  /// @throws IllegalArgumentException if there is no such function
  public int attachedPasidCount(PciAddress function) {
    HostDevice device = device(function);
    return locked(() -> device.bound == null ? 0 : device.bound.pasidCount());
  }

  /// True if neither the function itself nor a PASID of it is attached to anything.
  ///
  /// @throws IllegalArgumentException if there is no such function
  public boolean nothingAttached(PciAddress function) {
    return attachment(function).isEmpty() && attachedPasidCount(function) == 0;
  }

  /// True if somebody has the function open.
  ///
  /// @throws IllegalArgumentException if there is no such function
  public boolean isBound(PciAddress function) {
    HostDevice device = device(function);
    return locked(() -> device.bound != null);
  }

  /// Bytes of memory that are pinned for DMA.
  public long pinnedBytes() {
    return locked(memory::pinned);
  }

  void lock() {
    lock.lock();
  }

  void unlock() {
    lock.unlock();
  }

  <T> T locked(Supplier<T> action) {
    lock();
    try {
      return action.get();
    } finally {
      unlock();
    }
  }

  Condition faultsCame() {
    return faultsCame;
  }

  HostMemory memory() {
    return memory;
  }

  boolean takesPasids() {
    return kernel.hasPasids() || pasidInterface == PasidInterface.SEPTEMBER_2024;
  }

  boolean requiresPasidFlag() {
    return pasidInterface == PasidInterface.MAINLINE;
  }

  boolean skipsDevicesWithoutPasids() {
    return pasidInterface == PasidInterface.MAINLINE;
  }

  boolean writesPageTableBack() {
    return pasidInterface == PasidInterface.MAINLINE;
  }

  /// The function at an address, which a host that has any function then makes; empty if there is
  /// none.
  Optional<HostDevice> find(PciAddress address) {
    lock();
    try {
      HostDevice device = devices.get(address);
      if (device == null && template != null) {
        device = plug(template.movedTo(address));
      }
      return Optional.ofNullable(device);
    } finally {
      unlock();
    }
  }

  private HostDevice device(PciAddress address) {
    return find(address)
        .orElseThrow(() -> new IllegalArgumentException("There is no function at " + address));
  }

  private HostDevice plug(SimulatedDevice description) {
    Group group =
        description.group() == SimulatedDevice.OWN_GROUP
            ? new Group(this)
            : groups.computeIfAbsent(description.group(), _ -> new Group(this));
    HostDevice device = new HostDevice(description, description.iommu().orElse(iommu), group);
    group.members.add(device);
    devices.put(description.address(), device);
    return device;
  }

  /// Tells the observer what the IOMMU does now; `pageTable` is null for nothing.
  void changed(HostDevice device, int pasid, @Nullable Hwpt pageTable) {
    Consumer<HardwareChange> to = observer;
    if (to != null) {
      PciAddress function = device.description.address();
      to.accept(
          pageTable == null
              ? new HardwareChange.Blocked(function, new Pasid(pasid))
              : new HardwareChange.Translated(function, new Pasid(pasid), pageTable.name()));
    }
  }

  private void receive(HostDevice device, PageRequest request) {
    if (!request.last()) {
      device.held.add(request);
      return;
    }
    List<PageRequest> group = new ArrayList<>();
    for (PageRequest held : device.held) {
      if (held.group() == request.group() && held.pasid().equals(request.pasid())) {
        group.add(held);
      }
    }
    device.held.removeAll(group);
    group.add(request);
    route(device, request.pasid().value(), group);
  }

  private void route(HostDevice device, int pasid, List<PageRequest> requests) {
    SimulatedBoundDevice bound = device.bound;
    if (bound != null) {
      int attachment = pasid;
      Hwpt pageTable = bound.pageTable(attachment);
      if (pageTable == null && device.driver.guestOwnsPasids()) {
        attachment = 0;
        Hwpt own = bound.pageTable(attachment);
        pageTable = own == null || own.isPaging() ? null : own;
      }
      if (pageTable != null && pageTable.faults != null) {
        pageTable.faults.waiting.add(new FaultGroup(bound, attachment, List.copyOf(requests)));
        faultsCame.signalAll();
        return;
      }
    }
    device.answer(requests, PageResponse.INVALID);
  }

  /// Something that goes on until it is closed; closing again does nothing.
  @FunctionalInterface
  public interface Held extends AutoCloseable {
    @Override
    void close();
  }

  /// Describes a host.
  public static final class Builder {
    private IommuProfile iommu = IommuProfile.intel();
    private KernelVersion kernel = KernelVersion.LINUX_7_3;
    private PasidInterface pasidInterface = PasidInterface.MAINLINE;
    private long lockedMemory = Long.MAX_VALUE;
    private @Nullable SimulatedDevice template;
    private @Nullable Consumer<HardwareChange> observer;
    private final List<SimulatedDevice> devices = new ArrayList<>();

    private Builder() {}

    /// The IOMMU that functions are behind, if they do not say so themselves.
    public Builder iommu(IommuProfile profile) {
      iommu = profile;
      return this;
    }

    /// The release of Linux.
    public Builder kernel(KernelVersion version) {
      kernel = version;
      return this;
    }

    /// How the kernel takes requests for PASIDs. The series of September 2024 is Linux 6.11 with
    /// patches, so give it a release before 6.15.
    public Builder pasidInterface(PasidInterface style) {
      pasidInterface = style;
      return this;
    }

    /// Most bytes that may be pinned for DMA (RLIMIT_MEMLOCK).
    public Builder lockedMemory(long bytes) {
      lockedMemory = bytes;
      return this;
    }

    /// A function more.
    public Builder device(SimulatedDevice description) {
      devices.add(description);
      return this;
    }

    /// A function like this one at every address that is asked for.
    public Builder anyDevice(SimulatedDevice like) {
      template = like;
      return this;
    }

    /// Tells everything that the IOMMU is programmed to do, in order, while the request is served.
    public Builder observer(Consumer<HardwareChange> each) {
      observer = each;
      return this;
    }

    /// The host.
    public SimulatedHost build() {
      return new SimulatedHost(this);
    }
  }
}
