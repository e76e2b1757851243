package io.vpasid.vmm.iommufd.simulated;

import io.vpasid.vmm.iommufd.DeviceId;
import io.vpasid.vmm.iommufd.FaultId;
import io.vpasid.vmm.iommufd.HwptData;
import io.vpasid.vmm.iommufd.HwptId;
import io.vpasid.vmm.iommufd.IoasId;
import io.vpasid.vmm.iommufd.ObjectId;
import io.vpasid.vmm.iommufd.VdeviceId;
import io.vpasid.vmm.iommufd.ViommuId;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/// An object of a context. `users` counts as the kernel does: 1 is nobody, and only then can it be
/// destroyed.
abstract sealed class KernelObject {
  final int id;
  int users = 1;

  private KernelObject(int id) {
    this.id = id;
  }

  abstract ObjectId name();

  /// A device that is bound.
  static final class Device extends KernelObject {
    final SimulatedBoundDevice device;

    Device(int id, SimulatedBoundDevice device) {
      super(id);
      this.device = device;
    }

    @Override
    DeviceId name() {
      return new DeviceId(id);
    }
  }

  /// An I/O address space and the page tables that follow it, oldest first.
  static final class Ioas extends KernelObject {
    final IovaMap map;
    final List<Hwpt> pageTables = new ArrayList<>();

    Ioas(int id, IovaMap map) {
      super(id);
      this.map = map;
    }

    @Override
    IoasId name() {
      return new IoasId(id);
    }
  }

  /// A hardware page table: paging with an IOAS, nested with a parent.
  static final class Hwpt extends KernelObject {
    final IommuProfile iommu;
    final boolean pasidCompatible;
    final boolean nestParent;
    final boolean dirtyTracking;
    final HwptData data;
    final @Nullable Ioas ioas;
    final @Nullable Hwpt parent;
    final @Nullable Viommu viommu;
    final HwptId name;
    @Nullable Fault faults;
    boolean automatic;

    private Hwpt(
        int id,
        IommuProfile iommu,
        int flags,
        HwptData data,
        @Nullable Ioas ioas,
        @Nullable Hwpt parent,
        @Nullable Viommu viommu) {
      super(id);
      this.iommu = iommu;
      this.nestParent = (flags & HwptFlags.NEST_PARENT) != 0;
      this.dirtyTracking = (flags & HwptFlags.DIRTY_TRACKING) != 0;
      this.pasidCompatible = (flags & HwptFlags.PASID) != 0;
      this.data = data;
      this.ioas = ioas;
      this.parent = parent;
      this.viommu = viommu;
      this.name = new HwptId(id);
    }

    static Hwpt paging(int id, IommuProfile iommu, int flags, Ioas ioas) {
      return new Hwpt(id, iommu, flags, HwptData.None.NONE, ioas, null, null);
    }

    static Hwpt nested(
        int id,
        IommuProfile iommu,
        int flags,
        HwptData data,
        Hwpt parent,
        @Nullable Viommu viommu) {
      return new Hwpt(id, iommu, flags, data, null, parent, viommu);
    }

    boolean isPaging() {
      return ioas != null;
    }

    /// The IOAS below it, for a nested one that of its parent.
    Ioas addressSpace() {
      Ioas own = ioas;
      if (own != null) {
        return own;
      }
      Hwpt below = parent;
      if (below == null) {
        throw new IllegalStateException("A page table without IOAS and parent");
      }
      return below.addressSpace();
    }

    @Override
    HwptId name() {
      return name;
    }
  }

  /// A fault queue.
  static final class Fault extends KernelObject {
    /// Whole groups that nobody has read.
    final Deque<FaultGroup> waiting = new ArrayDeque<>();

    /// Groups that were read and wait for their response, by cookie.
    final TreeMap<Integer, FaultGroup> answering = new TreeMap<>();

    Fault(int id) {
      super(id);
    }

    @Override
    FaultId name() {
      return new FaultId(id);
    }
  }

  /// A virtual IOMMU.
  static final class Viommu extends KernelObject {
    final IommuProfile iommu;
    final Hwpt nestParent;

    Viommu(int id, IommuProfile iommu, Hwpt nestParent) {
      super(id);
      this.iommu = iommu;
      this.nestParent = nestParent;
    }

    @Override
    ViommuId name() {
      return new ViommuId(id);
    }
  }

  /// A device of a virtual IOMMU.
  static final class Vdevice extends KernelObject {
    final Viommu viommu;
    final Device device;
    final long virtualId;

    Vdevice(int id, Viommu viommu, Device device, long virtualId) {
      super(id);
      this.viommu = viommu;
      this.device = device;
      this.virtualId = virtualId;
    }

    @Override
    VdeviceId name() {
      return new VdeviceId(id);
    }
  }
}
