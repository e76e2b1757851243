package io.vpasid.vmm.iommufd.simulated;

import io.vpasid.vmm.iommufd.PageResponse;
import io.vpasid.vmm.iommufd.simulated.KernelObject.Hwpt;
import io.vpasid.vmm.linux.Errno;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// An IOMMU group: what iommufd keeps for it in the context that owns it, and the checks of iommufd
/// and of the IOMMU core when something is attached.
///
/// The functions of a group share every attachment: a PASID, or the functions themselves (PASID 0),
/// have one page table, and each function joins and leaves it. Only the first to join and the last
/// to leave touch the hardware.
final class Group {
  private final SimulatedHost host;
  final List<HostDevice> members = new ArrayList<>();

  /// The context that owns the group's DMA; null if it is free.
  @Nullable SimulatedIommufd owner;

  /// Number of bound functions.
  int bound;

  /// True if somebody has the VFIO group file open.
  boolean fileOpen;

  Group(SimulatedHost host) {
    this.host = host;
  }

  /// The page table that a PASID has in this group, or null.
  @Nullable Hwpt current(int pasid) {
    for (HostDevice member : members) {
      SimulatedBoundDevice device = member.bound;
      Hwpt pageTable = device == null ? null : device.pageTable(pasid);
      if (pageTable != null) {
        return pageTable;
      }
    }
    return null;
  }

  private boolean hasPasids() {
    for (HostDevice member : members) {
      SimulatedBoundDevice device = member.bound;
      if (device != null && device.pasidCount() > 0) {
        return true;
      }
    }
    return false;
  }

  boolean isResetting() {
    for (HostDevice member : members) {
      if (member.resetting && member.description.ats()) {
        return true;
      }
    }
    return false;
  }

  /// Makes a function join an attachment.
  void attach(SimulatedBoundDevice device, int pasid, Hwpt pageTable) {
    host.failures().allocate();
    if (device.pageTable(pasid) != null) {
      throw new KernelError(Errno.EBUSY);
    }
    Hwpt current = current(pasid);
    if (current != null && current != pageTable) {
      throw new KernelError(Errno.EINVAL);
    }
    if (pasid == 0) {
      pageTable.addressSpace().map.reserve(device.host().iommu.reserved(), device);
    }
    if (current == null) {
      try {
        attachFirst(device, pasid, pageTable);
      } catch (KernelError e) {
        if (pasid == 0) {
          pageTable.addressSpace().map.release(device);
        }
        throw e;
      }
    }
    device.join(pasid, pageTable);
  }

  private void attachFirst(SimulatedBoundDevice device, int pasid, Hwpt pageTable) {
    checkCompatible(device, pasid, pageTable);
    host.failures().allocate();
    checkCore(pasid, pageTable);
    if (pasid != 0) {
      checkLimit(pasid);
    }
    program(pasid, pageTable, null);
  }

  /// Moves a whole group to another page table.
  void replace(SimulatedBoundDevice device, int pasid, Hwpt pageTable) {
    Hwpt old = current(pasid);
    if (old == null || device.pageTable(pasid) == null) {
      throw new KernelError(Errno.EINVAL);
    }
    if (old == pageTable) {
      return;
    }
    IovaMap before = old.addressSpace().map;
    IovaMap after = pageTable.addressSpace().map;
    List<SimulatedBoundDevice> attached = attached(pasid);
    boolean moves = pasid == 0 && before != after;
    try {
      if (moves) {
        attached.forEach(each -> after.reserve(each.host().iommu.reserved(), each));
      }
      checkCompatible(device, pasid, pageTable);
      host.failures().allocate();
      checkCore(pasid, pageTable);
      program(pasid, pageTable, old);
    } catch (KernelError e) {
      if (moves) {
        attached.forEach(after::release);
      }
      throw e;
    }
    if (moves) {
      attached.forEach(before::release);
    }
    for (SimulatedBoundDevice each : attached) {
      each.move(pasid, pageTable);
    }
    dropFaults(old, pasid);
  }

  /// Makes a function leave an attachment; does nothing if it is in none.
  void detach(SimulatedBoundDevice device, int pasid) {
    Hwpt pageTable = device.pageTable(pasid);
    if (pageTable == null) {
      return;
    }
    device.clear(pasid);
    if (current(pasid) == null) {
      for (HostDevice member : members) {
        member.missing.remove(pasid);
        host.changed(member, pasid, null);
      }
      dropFaults(pageTable, pasid);
    }
    if (pasid == 0) {
      pageTable.addressSpace().map.release(device);
    }
    device.leave(pageTable);
  }

  private List<SimulatedBoundDevice> attached(int pasid) {
    List<SimulatedBoundDevice> attached = new ArrayList<>(1);
    for (HostDevice member : members) {
      SimulatedBoundDevice device = member.bound;
      if (device != null && device.pageTable(pasid) != null) {
        attached.add(device);
      }
    }
    return attached;
  }

  /// iommufd's checks before it asks the IOMMU core.
  private void checkCompatible(SimulatedBoundDevice device, int pasid, Hwpt pageTable) {
    SimulatedDevice function = device.host().description;
    if (pageTable.faults != null && function.isVirtualFunction() && function.pageRequests()) {
      throw new KernelError(Errno.EINVAL);
    }
    if (!host.requiresPasidFlag()) {
      return;
    }
    if (pasid == 0) {
      if (!pageTable.pasidCompatible && hasPasids()) {
        throw new KernelError(Errno.EINVAL);
      }
    } else {
      Hwpt own = current(0);
      if (!pageTable.pasidCompatible || (own != null && !own.pasidCompatible)) {
        throw new KernelError(Errno.EINVAL);
      }
    }
  }

  private void checkCore(int pasid, Hwpt pageTable) {
    if (pasid != 0 && !IommuDriver.of(pageTable.iommu).attachesPasidTo(pageTable)) {
      throw new KernelError(Errno.EOPNOTSUPP);
    }
    for (HostDevice member : members) {
      if (member.iommu.vendor() != pageTable.iommu.vendor()) {
        throw new KernelError(Errno.EINVAL);
      }
    }
    if (host.kernel().refusesDuringReset() && isResetting()) {
      throw new KernelError(Errno.EBUSY);
    }
  }

  private void checkLimit(int pasid) {
    for (HostDevice member : members) {
      boolean counts = member.maxPasids > 0 || !host.skipsDevicesWithoutPasids();
      if (counts && pasid >= member.maxPasids) {
        throw new KernelError(Errno.EINVAL);
      }
    }
  }

  private void program(int pasid, Hwpt pageTable, @Nullable Hwpt old) {
    Hwpt own = current(0);
    for (HostDevice member : members) {
      if (pasid == 0 || member.maxPasids > 0) {
        member.driver.checkAttach(member.description, pasid, pageTable, own);
        try {
          host.failures().enterDriver();
          member.driver.program(pasid, pageTable, old);
        } catch (KernelError e) {
          if (old != null && member.driver.tearsDownFirst()) {
            member.missing.add(pasid);
            host.changed(member, pasid, null);
          }
          throw e;
        }
      }
    }
    for (HostDevice member : members) {
      if (pasid == 0 || member.maxPasids > 0) {
        member.missing.remove(pasid);
        host.changed(member, pasid, pageTable);
      }
    }
  }

  private void dropFaults(Hwpt pageTable, int pasid) {
    if (pageTable.faults != null) {
      pageTable.faults.waiting.removeIf(g -> answerInvalid(g, pasid));
      pageTable.faults.answering.values().removeIf(g -> answerInvalid(g, pasid));
    }
  }

  /// Answers a group of faults if it came through this attachment.
  private boolean answerInvalid(FaultGroup group, int pasid) {
    if (group.attachment() != pasid || group.device().host().group != this) {
      return false;
    }
    group.device().host().answer(group.requests(), PageResponse.INVALID);
    return true;
  }
}
