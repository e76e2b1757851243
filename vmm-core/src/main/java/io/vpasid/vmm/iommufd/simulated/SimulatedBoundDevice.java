package io.vpasid.vmm.iommufd.simulated;

import io.vpasid.pci.PciAddress;
import io.vpasid.pci.emulation.DeviceConfig;
import io.vpasid.vmm.iommufd.BoundDevice;
import io.vpasid.vmm.iommufd.DeviceId;
import io.vpasid.vmm.iommufd.HwInfo;
import io.vpasid.vmm.iommufd.PageTableId;
import io.vpasid.vmm.iommufd.Pasid;
import io.vpasid.vmm.iommufd.simulated.KernelObject.Hwpt;
import io.vpasid.vmm.linux.Errno;
import io.vpasid.vmm.vfio.DeviceInfo;
import io.vpasid.vmm.vfio.PciIndex;
import org.jspecify.annotations.Nullable;

/// A bound function: what VFIO keeps for it, and its part in its group's attachments.
///
/// VFIO knows two things of its own: whether it attached the function, and which PASIDs it attached
/// (an IDA, in which PASID 0 is a number like any other). From PASID 1 on the second is the same as
/// what iommufd knows, so that only the two flags for the function itself are kept apart.
final class SimulatedBoundDevice implements BoundDevice {
  /// The number that the kernel's IDA lookup takes for present: its own -EINVAL.
  private static final int MISTAKEN_PASID = -Errno.EINVAL.number();

  private final SimulatedHost machine;
  private final SimulatedIommufd context;
  private final HostDevice host;
  private final KernelObject.Device object;
  private final DeviceId id;

  /// The function's own page table, and its PASIDs'.
  private @Nullable Hwpt own;

  private final PasidTable pasids = new PasidTable();

  /// VFIO attached the function.
  private boolean attachedByVfio;

  /// PASID 0 is among the PASIDs that VFIO attached.
  private boolean zeroByVfio;

  private boolean closed;

  SimulatedBoundDevice(
      SimulatedHost machine, SimulatedIommufd context, HostDevice host, int objectId) {
    this.machine = machine;
    this.context = context;
    this.host = host;
    this.object = new KernelObject.Device(objectId, this);
    this.id = object.name();
  }

  HostDevice host() {
    return host;
  }

  KernelObject.Device object() {
    return object;
  }

  /// The page table of a PASID, or with 0 of the function itself; null if there is none.
  @Nullable Hwpt pageTable(int pasid) {
    if (pasid == 0) {
      return own;
    }
    int number = pasids.get(pasid);
    return number == 0 ? null : context.pageTable(number);
  }

  int pasidCount() {
    return pasids.size();
  }

  int nextPasid(int from) {
    return pasids.next(from);
  }

  void join(int pasid, Hwpt pageTable) {
    set(pasid, pageTable);
    pageTable.users++;
    object.users++;
  }

  void move(int pasid, Hwpt pageTable) {
    Hwpt old = pageTable(pasid);
    set(pasid, pageTable);
    pageTable.users++;
    if (old != null) {
      context.put(old);
    }
  }

  void clear(int pasid) {
    set(pasid, null);
  }

  void leave(Hwpt pageTable) {
    object.users--;
    context.put(pageTable);
  }

  private void set(int pasid, @Nullable Hwpt pageTable) {
    if (pasid == 0) {
      own = pageTable;
    } else {
      pasids.set(pasid, pageTable == null ? 0 : pageTable.id);
    }
  }

  @Override
  public PciAddress address() {
    return host.description.address();
  }

  @Override
  public DeviceId id() {
    return id;
  }

  @Override
  public HwInfo hwInfo() {
    return context.hwInfo(id);
  }

  @Override
  public DeviceInfo info() {
    enter(Request.DEVICE_INFO);
    try {
      check(Request.DEVICE_INFO);
      return new DeviceInfo(true, host.description.resettable(), PciIndex.REGIONS, PciIndex.IRQS);
    } catch (KernelError e) {
      throw e.of(Request.DEVICE_INFO, describe());
    } finally {
      machine.unlock();
    }
  }

  @Override
  public DeviceConfig config() {
    return host.description.config();
  }

  @Override
  public PageTableId attach(PageTableId pageTable) {
    enter(Request.ATTACH);
    try {
      check(Request.ATTACH);
      PageTableId chosen = change(0, pageTable, attachedByVfio);
      attachedByVfio = true;
      writeBack();
      return chosen;
    } catch (KernelError e) {
      throw e.of(Request.ATTACH, describe() + ", " + pageTable);
    } finally {
      machine.unlock();
    }
  }

  @Override
  public void detach() {
    enter(Request.DETACH);
    try {
      check(Request.DETACH);
      detachOwn();
    } catch (KernelError e) {
      throw e.of(Request.DETACH, describe());
    } finally {
      machine.unlock();
    }
  }

  private void detachOwn() {
    if (attachedByVfio) {
      attachedByVfio = false;
      host.group.detach(this, 0);
    }
  }

  @Override
  public PageTableId attachPasid(Pasid pasid, PageTableId pageTable) {
    enter(Request.ATTACH_PASID);
    try {
      check(Request.ATTACH_PASID);
      checkPasids();
      PageTableId chosen = attachPasid(pasid.value(), pageTable);
      writeBack();
      return chosen;
    } catch (KernelError e) {
      throw e.of(Request.ATTACH_PASID, describe() + ", PASID " + pasid + ", " + pageTable);
    } finally {
      machine.unlock();
    }
  }

  private PageTableId attachPasid(int pasid, PageTableId pageTable) {
    if (pasid == MISTAKEN_PASID) {
      context.lookUp(pageTable.value());
      throw new KernelError(Errno.EINVAL);
    }
    if (pasid < 0) {
      throw new KernelError(Errno.ENOSPC);
    }
    boolean present = pasid == 0 ? zeroByVfio : pasids.get(pasid) != 0;
    if (!present) {
      machine.failures().allocate();
    }
    PageTableId chosen = change(pasid, pageTable, present);
    if (pasid == 0) {
      zeroByVfio = true;
    }
    return machine.writesPageTableBack() ? chosen : pageTable;
  }

  @Override
  public void detachPasid(Pasid pasid) {
    enter(Request.DETACH_PASID);
    try {
      check(Request.DETACH_PASID);
      checkPasids();
      detachPasid(pasid.value());
    } catch (KernelError e) {
      throw e.of(Request.DETACH_PASID, describe() + ", PASID " + pasid);
    } finally {
      machine.unlock();
    }
  }

  private void detachPasid(int pasid) {
    if (pasid == 0) {
      if (zeroByVfio) {
        zeroByVfio = false;
        host.group.detach(this, 0);
      }
    } else if (pasid > 0) {
      host.group.detach(this, pasid);
    }
  }

  private PageTableId change(int pasid, PageTableId pageTable, boolean replace) {
    return switch (context.lookUp(pageTable.value())) {
      case Hwpt hwpt -> {
        change(pasid, hwpt, replace);
        yield hwpt.name();
      }
      case KernelObject.Ioas ioas -> changeToAutomatic(pasid, ioas, replace);
      default -> throw new KernelError(Errno.EINVAL);
    };
  }

  private void change(int pasid, Hwpt hwpt, boolean replace) {
    if (replace) {
      host.group.replace(this, pasid, hwpt);
    } else {
      host.group.attach(this, pasid, hwpt);
    }
  }

  /// Attaches to the first page table made for an IOAS in this way that fits, or to a new one.
  private PageTableId changeToAutomatic(int pasid, KernelObject.Ioas ioas, boolean replace) {
    for (Hwpt hwpt : ioas.pageTables) {
      if (hwpt.automatic) {
        try {
          change(pasid, hwpt, replace);
          return hwpt.name();
        } catch (KernelError e) {
          if (!e.is(Errno.EINVAL)) {
            throw e;
          }
        }
      }
    }
    host.driver.checkPaging(0, host.description);
    Hwpt made = context.makePaging(host.iommu, 0, ioas);
    made.automatic = true;
    try {
      if (replace) {
        ioas.map.follow(made, host.iommu);
        change(pasid, made, true);
      } else {
        change(pasid, made, false);
        ioas.map.follow(made, host.iommu);
      }
    } catch (KernelError e) {
      if (pageTable(pasid) == made) {
        host.group.detach(this, pasid);
      } else {
        context.destroyObject(made);
      }
      throw e;
    }
    return made.name();
  }

  /// Writes the page table's id to the caller; a failure detaches the function, also after a PASID
  /// was attached.
  private void writeBack() {
    if (machine.failures().takeWriteBackFailure()) {
      detachOwn();
      throw new KernelError(Errno.EFAULT);
    }
  }

  @Override
  public void reset() {
    enter(Request.RESET);
    try {
      check(Request.RESET);
      if (!host.description.resettable()) {
        throw new KernelError(Errno.EINVAL);
      }
      if (host.resetting) {
        throw new KernelError(Errno.EAGAIN);
      }
    } catch (KernelError e) {
      throw e.of(Request.RESET, describe());
    } finally {
      machine.unlock();
    }
    host.description.onReset().run();
  }

  @Override
  public void close() {
    machine.lock();
    try {
      if (closed) {
        return;
      }
      if (zeroByVfio) {
        detachPasid(0);
      }
      for (int pasid = pasids.next(1); pasid >= 0; pasid = pasids.next(pasid + 1)) {
        host.group.detach(this, pasid);
      }
      detachOwn();
      closed = true;
      host.bound = null;
      context.unbind(this);
    } finally {
      machine.unlock();
    }
  }

  private void enter(Request request) {
    machine.failures().announce(request);
    machine.lock();
  }

  private void check(Request request) {
    machine.failures().enter(request);
    if (closed) {
      throw new KernelError(Errno.EBADF);
    }
  }

  private void checkPasids() {
    if (!machine.takesPasids()) {
      throw new KernelError(Errno.EINVAL);
    }
    if (host.description.driver() != SimulatedDevice.Driver.VFIO_PCI) {
      throw new KernelError(Errno.EOPNOTSUPP);
    }
  }

  private String describe() {
    return "device " + address();
  }
}
