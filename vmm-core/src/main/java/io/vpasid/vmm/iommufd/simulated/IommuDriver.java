package io.vpasid.vmm.iommufd.simulated;

import io.vpasid.vmm.iommufd.HwInfoData;
import io.vpasid.vmm.iommufd.HwptData;
import io.vpasid.vmm.iommufd.Invalidation;
import io.vpasid.vmm.iommufd.simulated.KernelObject.Hwpt;
import io.vpasid.vmm.linux.Errno;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.jspecify.annotations.Nullable;

/// An IOMMU driver of Linux 7.3, where it differs from others.
abstract sealed class IommuDriver {
  final IommuProfile iommu;

  private IommuDriver(IommuProfile iommu) {
    this.iommu = iommu;
  }

  static IommuDriver of(IommuProfile iommu) {
    return switch (iommu.vendor()) {
      case INTEL -> new Intel(iommu);
      case ARM -> new Arm(iommu);
      case AMD -> new Amd(iommu);
      case MOCK -> new Mock(iommu);
      case NONE -> new None(iommu);
    };
  }

  /// `dev->iommu->max_pasids`: PASIDs below it can be attached; 0 if there are none.
  int maxPasids(SimulatedDevice device) {
    return device.pasidWidth() == SimulatedDevice.NO_PASID
        ? 0
        : Math.min(1 << device.pasidWidth(), pasidLimit());
  }

  /// The number of PASIDs that the IOMMU has, with 0; 0 if it has none.
  abstract int pasidLimit();

  /// True if the device's PASID control register shows EXEC and PRIV.
  boolean showsPermissions() {
    return true;
  }

  /// Checks that a paging page table with these flags can be made.
  ///
  /// @param flags without FAULT_ID_VALID
  abstract void checkPaging(int flags, SimulatedDevice device);

  /// True if page tables can be nested directly on a paging one.
  boolean nests() {
    return false;
  }

  /// Checks that this data can be nested.
  void checkNested(HwptData data) {
    throw new KernelError(Errno.EOPNOTSUPP);
  }

  /// Checks that this data can be nested through a virtual IOMMU.
  void checkNestedOnViommu(HwptData data) {
    throw new KernelError(Errno.EOPNOTSUPP);
  }

  /// True if virtual IOMMUs of this type exist.
  boolean hasViommu(int type) {
    return false;
  }

  /// True if PASIDs can be attached to this kind of page table (`set_dev_pasid`).
  boolean attachesPasidTo(Hwpt pageTable) {
    return true;
  }

  /// True if faults of a PASID that is not attached go to the function's own nested page table.
  boolean guestOwnsPasids() {
    return false;
  }

  /// The driver's own checks when a page table is attached.
  ///
  /// @param own the function's own page table, or null if it has none
  void checkAttach(SimulatedDevice device, int pasid, Hwpt pageTable, @Nullable Hwpt own) {
    if (pageTable.dirtyTracking && !device.dirtyTracking()) {
      throw new KernelError(Errno.EINVAL);
    }
  }

  /// Programs the page table, which can still fail.
  void program(int pasid, Hwpt pageTable, @Nullable Hwpt old) {}

  /// True if a failure in [#program] leaves the hardware without the old translation.
  boolean tearsDownFirst() {
    return false;
  }

  /// Invalidates one entry after the other.
  ///
  /// @param progress counts those done
  void invalidate(Hwpt pageTable, Invalidation what, int[] progress) {
    throw new KernelError(Errno.EOPNOTSUPP);
  }

  /// Invalidates through a virtual IOMMU.
  void invalidateViommu(Invalidation what, int[] progress) {
    throw new KernelError(Errno.EOPNOTSUPP);
  }

  private static void refuseAllBut(int allowed, int flags) {
    if ((flags & ~allowed) != 0) {
      throw new KernelError(Errno.EOPNOTSUPP);
    }
  }

  /// Checks the length of a structure that came as raw bytes.
  private static void checkLength(HwptData data, int least, int most) {
    if (data instanceof HwptData.Other(int _, var payload)
        && (payload.size() < least || payload.size() > most)) {
      throw new KernelError(Errno.EINVAL);
    }
  }

  private static void checkDirty(int flags, IommuProfile iommu, SimulatedDevice device) {
    if ((flags & HwptFlags.DIRTY_TRACKING) != 0
        && !(iommu.dirtyTracking() && device.dirtyTracking())) {
      throw new KernelError(Errno.EOPNOTSUPP);
    }
  }

  /// `drivers/iommu/intel`.
  static final class Intel extends IommuDriver {
    private static final int DATA_TYPE = 1;
    private static final int DATA_SIZE = 24;
    private static final int ENTRY_SIZE = 24;

    Intel(IommuProfile iommu) {
      super(iommu);
    }

    private HwInfoData.IntelVtd registers() {
      return iommu.registers() instanceof HwInfoData.IntelVtd vtd
          ? vtd
          : new HwInfoData.IntelVtd(0, 0, 0);
    }

    private boolean hasPasids() {
      return registers().scalableMode() && registers().pasid();
    }

    @Override
    int pasidLimit() {
      return hasPasids() ? 1 << Math.min(registers().pasidBits(), 20) : 0;
    }

    @Override
    void checkPaging(int flags, SimulatedDevice device) {
      refuseAllBut(HwptFlags.PASID | HwptFlags.NEST_PARENT | HwptFlags.DIRTY_TRACKING, flags);
      if ((flags & HwptFlags.NEST_PARENT) != 0 && !nests()) {
        throw new KernelError(Errno.EOPNOTSUPP);
      }
      checkDirty(flags, iommu, device);
    }

    @Override
    boolean nests() {
      return iommu.nesting() && registers().scalableMode() && registers().nested();
    }

    @Override
    void checkNested(HwptData data) {
      if (data.type() != DATA_TYPE) {
        throw new KernelError(Errno.EOPNOTSUPP);
      }
      checkLength(data, DATA_SIZE, DATA_SIZE);
    }

    @Override
    boolean tearsDownFirst() {
      return true;
    }

    @Override
    void checkAttach(SimulatedDevice device, int pasid, Hwpt pageTable, @Nullable Hwpt own) {
      if (pasid != 0 && !hasPasids()) {
        throw new KernelError(Errno.EOPNOTSUPP);
      }
      super.checkAttach(device, pasid, pageTable, own);
      if (pageTable.faults != null && !(iommu.pageRequests() && device.pageRequests())) {
        throw new KernelError(Errno.ENODEV);
      }
    }

    @Override
    void program(int pasid, Hwpt pageTable, @Nullable Hwpt old) {
      if (!pageTable.isPaging()) {
        checkStageOne(stageOne(pageTable.data));
      }
    }

    private void checkStageOne(HwptData.VtdS1 data) {
      long ecap = registers().ecap();
      boolean fits =
          data.addressWidth() == 48 || (data.addressWidth() == 57 && registers().fiveLevels());
      boolean supervisor =
          (data.flags() & HwptData.VtdS1.SRE) == 0 || (ecap & IommuProfile.ECAP_SRS) != 0;
      boolean accessed =
          (data.flags() & HwptData.VtdS1.EAFE) == 0 || (ecap & IommuProfile.ECAP_EAFS) != 0;
      if (!fits || !supervisor || !accessed) {
        throw new KernelError(Errno.EINVAL);
      }
    }

    private static HwptData.VtdS1 stageOne(HwptData data) {
      return switch (data) {
        case HwptData.VtdS1 typed -> typed;
        case HwptData.Other(int _, var payload) -> {
          ByteBuffer bytes = ByteBuffer.wrap(payload.toByteArray()).order(ByteOrder.nativeOrder());
          yield new HwptData.VtdS1(bytes.getLong(0), bytes.getLong(8), bytes.getInt(16));
        }
        case HwptData.None _, HwptData.ArmSmmuV3 _, HwptData.AmdGuest _ ->
            throw new IllegalStateException("Nested on VT-d with " + data);
      };
    }

    @Override
    void invalidate(Hwpt pageTable, Invalidation what, int[] progress) {
      switch (what) {
        case Invalidation.VtdS1 vtd -> {
          for (Invalidation.VtdS1.Entry entry : vtd.entries()) {
            checkEntry(entry, 0);
            progress[0]++;
          }
        }
        case Invalidation.ArmSmmuV3 _ -> throw new KernelError(Errno.EINVAL);
        case Invalidation.Other(int type, int length, int count, var payload) -> {
          if (type != 0 || (count > 0 && length != ENTRY_SIZE)) {
            throw new KernelError(Errno.EINVAL);
          }
          ByteBuffer bytes = ByteBuffer.wrap(payload.toByteArray()).order(ByteOrder.nativeOrder());
          for (int at = 0; at < count * ENTRY_SIZE; at += ENTRY_SIZE) {
            checkEntry(
                new Invalidation.VtdS1.Entry(
                    bytes.getLong(at), bytes.getLong(at + 8), bytes.getInt(at + 16)),
                bytes.getInt(at + 20));
            progress[0]++;
          }
        }
      }
    }

    private static void checkEntry(Invalidation.VtdS1.Entry entry, int reserved) {
      if ((entry.flags() & ~1) != 0 || reserved != 0) {
        throw new KernelError(Errno.EOPNOTSUPP);
      }
      if ((entry.address() & 0xfff) != 0 || (entry.pages() == -1 && entry.address() != 0)) {
        throw new KernelError(Errno.EINVAL);
      }
    }
  }

  /// `drivers/iommu/arm/arm-smmu-v3`.
  static final class Arm extends IommuDriver {
    private static final int DATA_TYPE = 2;
    private static final int DATA_SIZE = 16;
    private static final int VIOMMU_TYPE = 1;

    Arm(IommuProfile iommu) {
      super(iommu);
    }

    @Override
    int pasidLimit() {
      int bits =
          iommu.registers() instanceof HwInfoData.ArmSmmuV3 smmu
              ? Math.min(smmu.pasidBits(), 20)
              : 0;
      return bits == 0 ? 0 : 1 << bits;
    }

    @Override
    void checkPaging(int flags, SimulatedDevice device) {
      boolean nestParent = flags == HwptFlags.NEST_PARENT && iommu.nesting();
      boolean firstStage = (flags & ~(HwptFlags.PASID | HwptFlags.DIRTY_TRACKING)) == 0;
      if (!nestParent && !firstStage) {
        throw new KernelError(Errno.EOPNOTSUPP);
      }
      checkDirty(flags, iommu, device);
    }

    @Override
    boolean hasViommu(int type) {
      return type == VIOMMU_TYPE && iommu.nesting();
    }

    @Override
    void checkNestedOnViommu(HwptData data) {
      if (data.type() != DATA_TYPE) {
        throw new KernelError(Errno.EOPNOTSUPP);
      }
      checkLength(data, DATA_SIZE, DATA_SIZE);
    }

    @Override
    boolean attachesPasidTo(Hwpt pageTable) {
      return pageTable.isPaging();
    }

    @Override
    boolean guestOwnsPasids() {
      return true;
    }

    @Override
    void checkAttach(SimulatedDevice device, int pasid, Hwpt pageTable, @Nullable Hwpt own) {
      super.checkAttach(device, pasid, pageTable, own);
      boolean contextTable = own == null || (own.isPaging() && !own.nestParent);
      if (pasid != 0 && (pageTable.nestParent || !contextTable)) {
        throw new KernelError(Errno.EINVAL);
      }
    }

    @Override
    void invalidateViommu(Invalidation what, int[] progress) {
      switch (what) {
        case Invalidation.ArmSmmuV3 smmu -> progress[0] = smmu.commands().size();
        case Invalidation.VtdS1 _ -> throw new KernelError(Errno.EINVAL);
        case Invalidation.Other(int type, int length, int count, var _) -> {
          if (type != 1 || (count > 0 && length != DATA_SIZE)) {
            throw new KernelError(Errno.EINVAL);
          }
          progress[0] = count;
        }
      }
    }
  }

  /// `drivers/iommu/amd`.
  static final class Amd extends IommuDriver {
    Amd(IommuProfile iommu) {
      super(iommu);
    }

    @Override
    int pasidLimit() {
      return iommu.registers() instanceof HwInfoData.Amd amd
          ? (1 << Math.min(amd.pasidBits(), 20)) - 1
          : 0;
    }

    /// PASIDs are enabled only for shared virtual addressing.
    @Override
    boolean showsPermissions() {
      return false;
    }

    @Override
    void checkPaging(int flags, SimulatedDevice device) {
      boolean pasids = flags == HwptFlags.PASID && pasidLimit() > 0;
      boolean hostTable = (flags & ~(HwptFlags.NEST_PARENT | HwptFlags.DIRTY_TRACKING)) == 0;
      if (!pasids && !hostTable) {
        throw new KernelError(Errno.EOPNOTSUPP);
      }
      checkDirty(flags, iommu, device);
    }

    @Override
    boolean attachesPasidTo(Hwpt pageTable) {
      return false;
    }
  }

  /// The mock IOMMU.
  static final class Mock extends IommuDriver {
    static final int DATA_TYPE = 0xdead;
    private static final int DATA_MIN = 4;
    private static final int DATA_SIZE = 8;
    static final int VIOMMU_TYPE = 0xdeadbeef;
    private static final int ENTRY_SIZE = 8;
    private static final int IOTLBS = 4;
    private static final int FLAG_ALL = 1;
    private static final int INVALIDATION_TYPE = 0xdeadbeef;

    /// The PASID whose replacement the mock IOMMU fails, so that the error path can be tested.
    private static final int FAILING_PASID = 1024;

    Mock(IommuProfile iommu) {
      super(iommu);
    }

    /// The property `pasid-num-bits`, which is 0 where it is not set: one PASID, and that is 0.
    @Override
    int maxPasids(SimulatedDevice device) {
      return 1 << Math.max(device.pasidWidth(), 0);
    }

    @Override
    int pasidLimit() {
      return 1 << 20;
    }

    /// No PCI device.
    @Override
    boolean showsPermissions() {
      return false;
    }

    @Override
    void checkPaging(int flags, SimulatedDevice device) {
      refuseAllBut(HwptFlags.NEST_PARENT | HwptFlags.DIRTY_TRACKING | HwptFlags.PASID, flags);
      checkDirty(flags, iommu, device);
    }

    @Override
    boolean nests() {
      return true;
    }

    @Override
    void checkNested(HwptData data) {
      if (data.type() != DATA_TYPE) {
        throw new KernelError(Errno.EOPNOTSUPP);
      }
      checkLength(data, DATA_MIN, DATA_SIZE);
    }

    @Override
    void checkNestedOnViommu(HwptData data) {
      checkNested(data);
    }

    @Override
    boolean hasViommu(int type) {
      return type == VIOMMU_TYPE;
    }

    @Override
    boolean guestOwnsPasids() {
      return true;
    }

    @Override
    void program(int pasid, Hwpt pageTable, @Nullable Hwpt old) {
      if (pasid == FAILING_PASID && old != null) {
        throw new KernelError(Errno.ENOMEM);
      }
    }

    @Override
    void invalidate(Hwpt pageTable, Invalidation what, int[] progress) {
      if (!(what instanceof Invalidation.Other(int type, int length, int count, var payload))
          || type != INVALIDATION_TYPE
          || (count > 0 && length != ENTRY_SIZE)) {
        throw new KernelError(Errno.EINVAL);
      }
      ByteBuffer bytes = ByteBuffer.wrap(payload.toByteArray()).order(ByteOrder.nativeOrder());
      for (int at = 0; at < count * ENTRY_SIZE; at += ENTRY_SIZE) {
        if ((bytes.getInt(at) & ~FLAG_ALL) != 0) {
          throw new KernelError(Errno.EOPNOTSUPP);
        }
        if (Integer.compareUnsigned(bytes.getInt(at + 4), IOTLBS) >= 0) {
          throw new KernelError(Errno.EINVAL);
        }
        progress[0]++;
      }
    }
  }

  /// VFIO's no-IOMMU mode.
  static final class None extends IommuDriver {
    None(IommuProfile iommu) {
      super(iommu);
    }

    @Override
    int pasidLimit() {
      return 0;
    }

    @Override
    void checkPaging(int flags, SimulatedDevice device) {
      refuseAllBut(0, flags);
    }
  }
}
