package io.vpasid.vmm.iommufd.simulated;

import io.vpasid.pci.PciAddress;
import io.vpasid.vmm.iommufd.BoundDevice;
import io.vpasid.vmm.iommufd.DeviceId;
import io.vpasid.vmm.iommufd.FaultQueue;
import io.vpasid.vmm.iommufd.HwInfo;
import io.vpasid.vmm.iommufd.HwptData;
import io.vpasid.vmm.iommufd.HwptId;
import io.vpasid.vmm.iommufd.HwptParentId;
import io.vpasid.vmm.iommufd.HwptRequest;
import io.vpasid.vmm.iommufd.Invalidation;
import io.vpasid.vmm.iommufd.IoasId;
import io.vpasid.vmm.iommufd.IommufdBackend;
import io.vpasid.vmm.iommufd.IovaAccess;
import io.vpasid.vmm.iommufd.IovaRanges;
import io.vpasid.vmm.iommufd.ObjectId;
import io.vpasid.vmm.iommufd.VdeviceId;
import io.vpasid.vmm.iommufd.ViommuId;
import io.vpasid.vmm.iommufd.simulated.KernelObject.Fault;
import io.vpasid.vmm.iommufd.simulated.KernelObject.Hwpt;
import io.vpasid.vmm.iommufd.simulated.KernelObject.Ioas;
import io.vpasid.vmm.iommufd.simulated.KernelObject.Vdevice;
import io.vpasid.vmm.iommufd.simulated.KernelObject.Viommu;
import io.vpasid.vmm.linux.Errno;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;

/// A context of a [SimulatedHost].
///
/// Besides what every backend does it tells which objects there are and how many use each, counted
/// as the kernel does: 1 is nobody.
public final class SimulatedIommufd implements IommufdBackend {
  private static final int MAX_ENTRY_LENGTH = 4096;
  private static final int MAX_ENTRIES = 1 << 19;

  private final SimulatedHost host;
  private final ObjectTable objects = new ObjectTable();
  private boolean closed;

  /// Open files that keep the context alive: bound devices and fault queues.
  private int holders;

  SimulatedIommufd(SimulatedHost host) {
    this.host = host;
  }

  /// The machine.
  SimulatedHost host() {
    return host;
  }

  /// The names of all objects, ascending by number.
  public List<ObjectId> objects() {
    return host.locked(() -> objects.all().stream().map(KernelObject::name).toList());
  }

  /// The number of users of an object, and one more; 0 if there is no such object.
  public int users(ObjectId id) {
    try {
      return host.locked(() -> objects.get(id.value()).users);
    } catch (KernelError e) {
      return 0;
    }
  }

  /// The request that a page table was made from; empty if there is no such page table.
  public Optional<SimulatedPageTable> pageTable(HwptId id) {
    host.lock();
    try {
      Hwpt hwpt = objects.get(id.value(), Hwpt.class);
      Hwpt parent = hwpt.parent;
      return Optional.of(
          new SimulatedPageTable(
              hwpt.data,
              parent == null ? hwpt.addressSpace().name() : parent.name(),
              hwpt.pasidCompatible,
              hwpt.nestParent,
              hwpt.faults != null));
    } catch (KernelError e) {
      return Optional.empty();
    } finally {
      host.unlock();
    }
  }

  /// The mappings of an I/O address space, by ascending IOVA; none if there is no such IOAS.
  public List<SimulatedMapping> mappings(IoasId id) {
    try {
      return host.locked(() -> mapOf(id).mappings());
    } catch (KernelError e) {
      return List.of();
    }
  }

  @Override
  public BoundDevice bind(PciAddress address) {
    return request(Request.BIND, () -> "device " + address, () -> bindDevice(address));
  }

  private BoundDevice bindDevice(PciAddress address) {
    HostDevice device = host.find(address).orElseThrow(() -> new KernelError(Errno.ENODEV));
    Group group = device.group;
    if (group.fileOpen) {
      throw new KernelError(Errno.EBUSY);
    }
    if (device.bound != null) {
      throw new KernelError(Errno.EINVAL);
    }
    device
        .description
        .bindError()
        .ifPresent(errno -> {
          throw new KernelError(errno);
        });
    if (group.owner != null && group.owner != this) {
      throw new KernelError(Errno.EPERM);
    }
    if (group.isResetting()) {
      throw new KernelError(Errno.EBUSY);
    }
    if (device.resetting) {
      throw new KernelError(Errno.EAGAIN);
    }
    host.failures().allocate();
    SimulatedBoundDevice bound = new SimulatedBoundDevice(host, this, device, objects.reserve());
    // The driver is a user, so that nobody can destroy the object.
    bound.object().users++;
    objects.publish(bound.object());
    device.bound = bound;
    group.owner = this;
    group.bound++;
    holders++;
    return bound;
  }

  /// The end of a binding, after everything was detached.
  void unbind(SimulatedBoundDevice bound) {
    for (KernelObject object : objects.all()) {
      if (object instanceof Vdevice vdevice && vdevice.device == bound.object()) {
        vdevice.viommu.users--;
        objects.bury(vdevice.id);
      }
    }
    objects.remove(bound.object().id);
    Group group = bound.host().group;
    group.bound--;
    if (group.bound == 0) {
      group.owner = null;
    }
    letGo();
  }

  @Override
  public HwInfo hwInfo(DeviceId device) {
    return request(Request.HW_INFO, device::toString, () -> info(find(device)));
  }

  @Override
  public HwInfo hwInfo(DeviceId device, int dataType) {
    return request(
        Request.HW_INFO,
        () -> device + ", type " + dataType,
        () -> {
          HwInfo info = info(find(device));
          if (dataType != 0 && dataType != info.data().type()) {
            throw new KernelError(Errno.EOPNOTSUPP);
          }
          return info;
        });
  }

  private HwInfo info(HostDevice device) {
    if (device.iommu.vendor() == IommuProfile.Vendor.NONE) {
      throw new KernelError(Errno.EOPNOTSUPP);
    }
    SimulatedDevice function = device.description;
    int width = 0;
    long capabilities = 0;
    if (host.takesPasids() && device.maxPasids > 0) {
      width = 31 - Integer.numberOfLeadingZeros(device.maxPasids);
      if (device.driver.showsPermissions()) {
        capabilities |= function.exec() ? HwInfo.PASID_EXEC : 0;
        capabilities |= function.priv() ? HwInfo.PASID_PRIV : 0;
      }
    }
    capabilities |= function.ats() ? 0 : HwInfo.ATS_NOT_SUPPORTED;
    capabilities |=
        device.iommu.dirtyTracking() && function.dirtyTracking() ? HwInfo.DIRTY_TRACKING : 0;
    return new HwInfo(width, capabilities, device.iommu.registers());
  }

  private HostDevice find(DeviceId device) {
    return objects.get(device.value(), KernelObject.Device.class).device.host();
  }

  @Override
  public IoasId ioasAlloc() {
    return request(
        Request.IOAS_ALLOC,
        () -> "",
        () -> {
          host.failures().allocate();
          Ioas made = new Ioas(objects.reserve(), new IovaMap(host.memory()));
          objects.publish(made);
          return made.name();
        });
  }

  @Override
  public long map(IoasId ioas, MemorySegment memory, IovaAccess access) {
    requireNative(memory);
    return request(
        Request.MAP,
        () -> ioas + ", " + memory.byteSize() + " bytes",
        () -> {
          IovaMap.checkArguments(0, memory.byteSize(), access);
          IovaMap map = mapOf(ioas);
          return map.map(HostMemory.of(memory), memory.byteSize(), access);
        });
  }

  @Override
  public void mapAt(IoasId ioas, long iova, MemorySegment memory, IovaAccess access) {
    requireNative(memory);
    run(
        Request.MAP,
        () -> ioas + ", IOVA 0x" + Long.toHexString(iova) + ", " + memory.byteSize() + " bytes",
        () -> {
          IovaMap.checkArguments(iova, memory.byteSize(), access);
          IovaMap map = mapOf(ioas);
          map.mapAt(iova, HostMemory.of(memory), memory.byteSize(), access);
        });
  }

  @Override
  public long mapFile(IoasId ioas, int fd, long start, long length, IovaAccess access) {
    return request(
        Request.MAP_FILE,
        () -> ioas + ", fd " + fd + ", " + length + " bytes",
        () -> {
          IovaMap.checkArguments(0, length, access);
          IovaMap map = mapOf(ioas);
          return map.map(host.memory().file(fd, start), length, access);
        });
  }

  @Override
  public void mapFileAt(
      IoasId ioas, long iova, int fd, long start, long length, IovaAccess access) {
    run(
        Request.MAP_FILE,
        () -> ioas + ", IOVA 0x" + Long.toHexString(iova) + ", fd " + fd + ", " + length + " bytes",
        () -> {
          IovaMap.checkArguments(iova, length, access);
          IovaMap map = mapOf(ioas);
          map.mapAt(iova, host.memory().file(fd, start), length, access);
        });
  }

  private static void requireNative(MemorySegment memory) {
    if (!memory.isNative()) {
      throw new IllegalArgumentException("Memory on the Java heap cannot be mapped for DMA");
    }
  }

  @Override
  public long unmap(IoasId ioas, long iova, long length) {
    return request(
        Request.UNMAP,
        () ->
            "%s, IOVA 0x%s, 0x%s bytes"
                .formatted(ioas, Long.toHexString(iova), Long.toHexString(length)),
        () -> mapOf(ioas).unmap(iova, length));
  }

  @Override
  public IovaRanges iovaRanges(IoasId ioas) {
    return request(Request.IOVA_RANGES, ioas::toString, () -> mapOf(ioas).ranges());
  }

  private IovaMap mapOf(IoasId ioas) {
    return objects.get(ioas.value(), Ioas.class).map;
  }

  @Override
  public HwptId hwptAlloc(HwptRequest request) {
    return request(
        Request.HWPT_ALLOC,
        () -> request.device() + " on " + request.parent() + ", flags " + request.flagBits(),
        () -> allocate(request));
  }

  private HwptId allocate(HwptRequest request) {
    HwptData data = request.data();
    if (data.type() == 0 != (length(data) == 0)) {
      throw new KernelError(Errno.EINVAL);
    }
    HostDevice device = find(request.device());
    int flags = request.flagBits() & ~HwptFlags.FAULT_ID_VALID;
    boolean faults = request.flagBits() != flags;
    Hwpt made =
        switch (parent(request.parent())) {
          case Ioas ioas -> paging(device, ioas, flags, faults, data);
          case Hwpt hwpt when hwpt.isPaging() -> nested(device, hwpt, flags, data);
          case Viommu viommu -> nestedOnViommu(device, viommu, flags, data);
          default -> throw new KernelError(Errno.EINVAL);
        };
    if (faults) {
      try {
        Fault queue = objects.get(request.faultQueue().value(), Fault.class);
        queue.users++;
        made.faults = queue;
      } catch (KernelError e) {
        destroyObject(made);
        throw e;
      }
    }
    return made.name();
  }

  private static int length(HwptData data) {
    return switch (data) {
      case HwptData.None _ -> 0;
      case HwptData.Other(int _, var payload) -> payload.size();
      case HwptData.VtdS1 _, HwptData.ArmSmmuV3 _, HwptData.AmdGuest _ -> 1;
    };
  }

  private KernelObject parent(HwptParentId id) {
    try {
      return objects.get(id.value());
    } catch (KernelError e) {
      throw new KernelError(Errno.EINVAL);
    }
  }

  private Hwpt paging(HostDevice device, Ioas ioas, int flags, boolean faults, HwptData data) {
    boolean parentWithFaults = faults && (flags & HwptFlags.NEST_PARENT) != 0;
    if (data.type() != 0 || parentWithFaults) {
      throw new KernelError(Errno.EOPNOTSUPP);
    }
    device.driver.checkPaging(flags, device.description);
    Hwpt made = makePaging(device.iommu, flags, ioas);
    try {
      ioas.map.follow(made, device.iommu);
    } catch (KernelError e) {
      destroyObject(made);
      throw e;
    }
    return made;
  }

  private Hwpt nested(HostDevice device, Hwpt parent, int flags, HwptData data) {
    if ((flags & ~HwptFlags.PASID) != 0 || data.type() == 0 || !device.driver.nests()) {
      throw new KernelError(Errno.EOPNOTSUPP);
    }
    boolean sameDriver = parent.iommu.vendor() == device.iommu.vendor();
    if (parent.automatic || !parent.nestParent || !sameDriver) {
      throw new KernelError(Errno.EINVAL);
    }
    host.failures().allocate();
    device.driver.checkNested(data);
    Hwpt made = Hwpt.nested(objects.reserve(), device.iommu, flags, data, parent, null);
    parent.users++;
    objects.publish(made);
    return made;
  }

  private Hwpt nestedOnViommu(HostDevice device, Viommu viommu, int flags, HwptData data) {
    if (!device.iommu.equals(viommu.iommu)) {
      throw new KernelError(Errno.EINVAL);
    }
    if ((flags & ~HwptFlags.PASID) != 0 || data.type() == 0) {
      throw new KernelError(Errno.EOPNOTSUPP);
    }
    host.failures().allocate();
    device.driver.checkNestedOnViommu(data);
    Hwpt made =
        Hwpt.nested(objects.reserve(), device.iommu, flags, data, viommu.nestParent, viommu);
    viommu.users++;
    objects.publish(made);
    return made;
  }

  /// Makes a paging page table that follows nothing yet.
  Hwpt makePaging(IommuProfile iommu, int flags, Ioas ioas) {
    host.failures().allocate();
    Hwpt made = Hwpt.paging(objects.reserve(), iommu, flags, ioas);
    ioas.users++;
    ioas.pageTables.add(made);
    objects.publish(made);
    return made;
  }

  /// The page table of a number that is known to name one.
  Hwpt pageTable(int number) {
    return (Hwpt) objects.get(number);
  }

  /// The object that a device shall be attached to.
  ///
  /// @throws KernelError ENOENT
  KernelObject lookUp(int number) {
    return objects.get(number);
  }

  /// One user less; a page table that the kernel made for an IOAS goes with its last user.
  void put(Hwpt pageTable) {
    pageTable.users--;
    if (pageTable.automatic && pageTable.users == 1) {
      destroyObject(pageTable);
    }
  }

  @Override
  public int invalidate(HwptParentId target, Invalidation invalidation) {
    int[] progress = new int[1];
    host.failures().announce(Request.INVALIDATE);
    host.lock();
    try {
      enter(Request.INVALIDATE);
      checkEntries(invalidation);
      switch (objects.get(target.value())) {
        case Hwpt hwpt when !hwpt.isPaging() ->
            hwpt.iommu.driver().invalidate(hwpt, invalidation, progress);
        case Viommu viommu -> viommu.iommu.driver().invalidateViommu(invalidation, progress);
        default -> throw new KernelError(Errno.EINVAL);
      }
      return progress[0];
    } catch (KernelError e) {
      throw e.of(Request.INVALIDATE, target.toString(), progress[0]);
    } finally {
      host.unlock();
    }
  }

  private static void checkEntries(Invalidation invalidation) {
    int count =
        switch (invalidation) {
          case Invalidation.VtdS1(var entries) -> entries.size();
          case Invalidation.ArmSmmuV3(var commands) -> commands.size();
          case Invalidation.Other other -> {
            boolean badLength = other.entryLength() <= 0 || other.entryLength() > MAX_ENTRY_LENGTH;
            boolean missing =
                other.payload().size() < (long) other.entryLength() * other.entryCount();
            if (other.entryCount() != 0 && (badLength || missing)) {
              throw new KernelError(Errno.EINVAL);
            }
            yield other.entryCount();
          }
        };
    if (Integer.compareUnsigned(count, MAX_ENTRIES) > 0) {
      throw new KernelError(Errno.EINVAL);
    }
  }

  @Override
  public void dirtyTracking(HwptId hwpt, boolean enabled) {
    run(
        Request.DIRTY_TRACKING,
        () -> hwpt + (enabled ? ", on" : ", off"),
        () -> {
          Hwpt found = objects.get(hwpt.value(), Hwpt.class);
          if (!found.isPaging()) {
            throw new KernelError(Errno.ENOENT);
          }
          if (!found.dirtyTracking) {
            throw new KernelError(Errno.EOPNOTSUPP);
          }
        });
  }

  @Override
  public ViommuId viommuAlloc(DeviceId device, HwptId nestParent, int type) {
    return request(
        Request.VIOMMU_ALLOC,
        () -> device + " on " + nestParent + ", type " + type,
        () -> {
          if (type == 0) {
            throw new KernelError(Errno.EOPNOTSUPP);
          }
          HostDevice behind = find(device);
          if (!behind.driver.hasViommu(type)) {
            throw new KernelError(Errno.EOPNOTSUPP);
          }
          Hwpt parent = objects.get(nestParent.value(), Hwpt.class);
          if (!parent.isPaging()) {
            throw new KernelError(Errno.ENOENT);
          }
          if (!parent.nestParent) {
            throw new KernelError(Errno.EINVAL);
          }
          host.failures().allocate();
          Viommu made = new Viommu(objects.reserve(), behind.iommu, parent);
          parent.users++;
          objects.publish(made);
          return made.name();
        });
  }

  @Override
  public VdeviceId vdeviceAlloc(ViommuId viommu, DeviceId device, long virtualId) {
    return request(
        Request.VDEVICE_ALLOC,
        () -> device + " of " + viommu + ", id 0x" + Long.toHexString(virtualId),
        () -> {
          Viommu of = objects.get(viommu.value(), Viommu.class);
          KernelObject.Device physical = objects.get(device.value(), KernelObject.Device.class);
          if (!physical.device.host().iommu.equals(of.iommu)) {
            throw new KernelError(Errno.EINVAL);
          }
          for (KernelObject object : objects.all()) {
            if (object instanceof Vdevice other
                && (other.device == physical
                    || (other.viommu == of && other.virtualId == virtualId))) {
              throw new KernelError(Errno.EEXIST);
            }
          }
          host.failures().allocate();
          Vdevice made = new Vdevice(objects.reserve(), of, physical, virtualId);
          of.users++;
          objects.publish(made);
          return made.name();
        });
  }

  @Override
  public FaultQueue faultQueueAlloc() {
    return request(
        Request.FAULT_QUEUE_ALLOC,
        () -> "",
        () -> {
          host.failures().allocate();
          Fault made = new Fault(objects.reserve());
          // Its open file is a user.
          made.users++;
          objects.publish(made);
          holders++;
          return new SimulatedFaultQueue(host, this, made);
        });
  }

  @Override
  public void destroy(ObjectId id) {
    run(
        Request.DESTROY,
        id::toString,
        () -> {
          KernelObject object = objects.get(id.value());
          if (object.users > 1) {
            throw new KernelError(Errno.EBUSY);
          }
          destroyObject(object);
        });
  }

  /// Takes an object away and gives back what it held.
  void destroyObject(KernelObject object) {
    switch (object) {
      case Hwpt hwpt -> destroyPageTable(hwpt);
      case Ioas ioas -> ioas.map.unmap(0, -1);
      case Viommu viommu -> viommu.nestParent.users--;
      case Vdevice vdevice -> vdevice.viommu.users--;
      case Fault _, KernelObject.Device _ -> {}
    }
    objects.remove(object.id);
  }

  private static void destroyPageTable(Hwpt hwpt) {
    Ioas ioas = hwpt.ioas;
    if (ioas != null) {
      ioas.map.unfollow(hwpt);
      ioas.pageTables.remove(hwpt);
      ioas.users--;
    }
    Viommu viommu = hwpt.viommu;
    Hwpt parent = hwpt.parent;
    if (viommu != null) {
      viommu.users--;
    } else if (parent != null) {
      parent.users--;
    }
    Fault faults = hwpt.faults;
    if (faults != null) {
      faults.users--;
    }
  }

  @Override
  public void close() {
    host.lock();
    try {
      if (!closed) {
        closed = true;
        holders++;
        letGo();
      }
    } finally {
      host.unlock();
    }
  }

  /// An open file less; the last one takes all objects with it.
  void letGo() {
    holders--;
    if (closed && holders == 0) {
      destroyAll();
    }
  }

  private void destroyAll() {
    List<KernelObject> left = objects.all();
    while (!left.isEmpty()) {
      for (KernelObject object : left) {
        if (object.users == 1) {
          destroyObject(object);
        }
      }
      left = objects.all();
    }
  }

  /// Checks that a request may begin.
  private void enter(Request request) {
    host.failures().enter(request);
    if (closed) {
      throw new KernelError(Errno.EBADF);
    }
  }

  private <T> T request(Request request, Supplier<String> arguments, Supplier<T> body) {
    host.failures().announce(request);
    host.lock();
    try {
      enter(request);
      return body.get();
    } catch (KernelError e) {
      throw e.of(request, arguments.get());
    } finally {
      host.unlock();
    }
  }

  private void run(Request request, Supplier<String> arguments, Runnable body) {
    boolean _ =
        request(
            request,
            arguments,
            () -> {
              body.run();
              return true;
            });
  }
}
