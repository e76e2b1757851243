package io.vpasid.it.contract;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;

import io.vpasid.vmm.iommufd.BoundDevice;
import io.vpasid.vmm.iommufd.DeviceId;
import io.vpasid.vmm.iommufd.FaultQueue;
import io.vpasid.vmm.iommufd.HwptFlag;
import io.vpasid.vmm.iommufd.HwptId;
import io.vpasid.vmm.iommufd.IoasId;
import io.vpasid.vmm.iommufd.PageFault;
import io.vpasid.vmm.iommufd.PageResponse;
import io.vpasid.vmm.iommufd.Pasid;
import io.vpasid.vmm.iommufd.VdeviceId;
import io.vpasid.vmm.iommufd.ViommuId;
import io.vpasid.vmm.linux.Errno;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// Scenarios S1 to S24, those of the kernel's iommufd selftests.
abstract class SelftestRows extends ContractRows {
  private BoundDevice device;
  private IoasId ioas;
  private HwptId s2;

  /// The function begins on its IOAS, as in the kernel's fixture.
  @BeforeEach
  void attachToIoas() {
    device = bind(rig.device());
    ioas = iommufd.ioasAlloc();
    device.attach(ioas);
    s2 = paging(device, ioas, HwptFlag.PASID);
  }

  /// A page table without [HwptFlag#PASID]: a nest parent, where the IOMMU nests.
  private HwptId parent() {
    return rig.nestedData().isPresent() ? nestParent(device, ioas) : paging(device, ioas);
  }

  /// One more with [HwptFlag#PASID]: nested, where the IOMMU nests.
  private HwptId n(HwptId parent) {
    return rig.nestedData().isPresent()
        ? nested(device, parent)
        : paging(device, ioas, HwptFlag.PASID);
  }

  @Test
  void s1DetachBeforeAnythingSucceeds() {
    done(() -> device.detachPasid(P100));
    notAttached(device, P100);
  }

  @Test
  void s2PasidIsRefusedWhileTheFunctionIsOnAPageTableWithoutPasidFlag() {
    HwptId parent = parent();
    device.attach(parent);

    refused(Errno.EINVAL, () -> device.attachPasid(P100, s2));
    notAttached(device, P100);
  }

  @Test
  void s3NestedPageTableTakesAPasid() {
    HwptId n0 = n(parent());
    device.attach(s2);

    assertThat(device.attachPasid(P100, n0)).isEqualTo(n0);
    attached(device, P100, n0);
  }

  @Test
  void s4FunctionCannotLeavePageTablesWithPasidFlagWhileAPasidIsAttached() {
    HwptId parent = parent();
    device.attach(s2);
    device.attachPasid(P100, n(parent));

    refused(Errno.EINVAL, () -> device.attach(parent));
    attached(device, NONE, s2);
  }

  @Test
  void s5DetachEmptiesThePasid() {
    HwptId n0 = n(parent());
    device.attach(s2);
    device.attachPasid(P100, n0);

    done(() -> device.detachPasid(P100));
    notAttached(device, P100);
  }

  @Test
  void s6DeviceWithoutPasidsCanUsePageTablesWithPasidFlag() {
    HwptId n0 = nested(device, nestParent(device, ioas));
    BoundDevice narrow = bind(rig.deviceWithLimitOne(), "device with a PASID limit of 1");

    done(() -> narrow.attach(n0));
    done(() -> narrow.attach(ioas));
  }

  @Test
  void s7DeviceWithALimitOfOneTakesNoPasid() {
    HwptId parent = nestParent(device, ioas);
    BoundDevice narrow = bind(rig.deviceWithLimitOne(), "device with a PASID limit of 1");

    refused(Errno.EINVAL, () -> narrow.attachPasid(P100, parent));
    refused(Errno.EINVAL, () -> narrow.attachPasid(P100, s2));
  }

  @Test
  void s8PageTableWithoutPasidFlagTakesNoPasid() {
    device.attach(s2);
    HwptId parent = parent();

    refused(Errno.EINVAL, () -> device.attachPasid(P100, parent));
    notAttached(device, P100);
  }

  @Test
  void s9IoasTakesNoPasid() {
    device.attach(s2);
    refused(Errno.EINVAL, () -> device.attachPasid(P100, ioas));
    notAttached(device, P100);
  }

  @Test
  void s10PagingPageTableTakesAPasid() {
    device.attach(s2);

    assertThat(device.attachPasid(P100, s2)).isEqualTo(s2);
    attached(device, P100, s2);
  }

  @Test
  void s11SecondAttachReplaces() {
    device.attach(s2);
    HwptId n0 = n(parent());
    device.attachPasid(P100, s2);

    assertThat(device.attachPasid(P100, n0)).isEqualTo(n0);
    attached(device, P100, n0);
  }

  @Test
  void s12AttachToTheSamePageTableAgainSucceeds() {
    device.attach(s2);
    HwptId n0 = n(parent());
    device.attachPasid(P100, s2);

    done(() -> device.detachPasid(P100));
    done(() -> device.attachPasid(P100, n0));
    assertThat(device.attachPasid(P100, n0)).isEqualTo(n0);
    attached(device, P100, n0);
  }

  @Test
  void s13ReplaceOfAPasidThatIsNotAttachedIsRefused() {
    abort(
        "VFIO's request attaches a PASID that is not attached; RequestBytesTest has a plain"
            + " replace");
  }

  @Test
  void s14ReplaceByAnIoasIsRefusedAndKeepsTheOldPageTable() {
    device.attach(s2);
    device.attachPasid(P200, s2);

    refused(Errno.EINVAL, () -> device.attachPasid(P200, ioas));
    attached(device, P200, s2);
  }

  @Test
  void s15ReplaceTwiceAndDetach() {
    device.attach(s2);
    HwptId parent = parent();
    HwptId n0 = n(parent);
    HwptId n1 = n(parent);
    device.attachPasid(P200, s2);

    assertThat(device.attachPasid(P200, n0)).isEqualTo(n0);
    attached(device, P200, n0);
    assertThat(device.attachPasid(P200, n1)).isEqualTo(n1);
    attached(device, P200, n1);
    done(() -> device.detachPasid(P200));
    notAttached(device, P200);
  }

  @Test
  void s16ReplaceThatTheDriverFailsKeepsTheOldPageTable() {
    device.attach(s2);
    Pasid pasid = need(rig.pasidThatCannotBeReplaced(), "PASID whose replacement fails");
    HwptId n0 = n(parent());
    device.attachPasid(pasid, s2);

    refused(Errno.ENOMEM, () -> device.attachPasid(pasid, n0));
    attached(device, pasid, s2);
    done(() -> device.detachPasid(pasid));
  }

  @Test
  void s17FaultOfAPasidIsReadAndAnswered() {
    ContractRig.PageRequests requests = needPageRequests();
    device.attach(s2);
    FaultQueue faults = keep(iommufd.faultQueueAlloc());
    HwptId iopf =
        hwptAlloc(
            nesting(device, nestParent(device, ioas)).with(HwptFlag.PASID).withFaults(faults.id()));
    device.attachPasid(pasid(2048), iopf);
    requests.send(device, pasid(2048), 1, 0xdeadbeef000L);

    List<PageFault> read = faults.read(8);
    assertThat(read).hasSize(1);
    PageFault fault = read.getFirst();
    assertThat(fault.hasPasid()).isTrue();
    assertThat(fault.isLast()).isTrue();
    assertThat(fault.pasid()).isEqualTo(pasid(2048));
    assertThat(fault.device()).isEqualTo(device.id());
    assertThat(fault.address()).isEqualTo(0xdeadbeef000L);
    assertThat(fault.length()).isZero();
    PageResponse response = new PageResponse(fault.cookie(), PageResponse.SUCCESS);
    assertThat(faults.respond(List.of(response))).isEqualTo(1);
    refused(Errno.EINVAL, () -> faults.respond(List.of(response)));
  }

  @Test
  void s18FaultQueueCanBeDestroyedOnceNothingUsesIt() {
    needPageRequests();
    device.attach(s2);
    FaultQueue faults = iommufd.faultQueueAlloc();
    HwptId iopf =
        hwptAlloc(
            nesting(device, nestParent(device, ioas)).with(HwptFlag.PASID).withFaults(faults.id()));
    device.attachPasid(pasid(2048), iopf);

    done(() -> device.attachPasid(pasid(2048), s2));
    done(() -> device.detachPasid(pasid(2048)));
    done(() -> iommufd.destroy(iopf));
    faults.close();
    done(() -> iommufd.destroy(faults.id()));
  }

  @Test
  void s19FunctionReturnsToTheIoas() {
    device.attach(s2);
    device.attachPasid(P100, s2);
    device.detachPasid(P100);

    done(() -> device.attach(ioas));
  }

  @Test
  void s20DirtyTrackingWorksWithFunctionAndPasidOnTheSamePageTable() {
    if (!rig.tracksDirtyPages()) {
      abort(rig.name() + " tracks no dirty pages");
    }
    HwptId hwpt = paging(device, ioas, HwptFlag.PASID, HwptFlag.DIRTY_TRACKING);
    device.attach(hwpt);
    device.attachPasid(P100, hwpt);

    done(() -> iommufd.dirtyTracking(hwpt, true));
    done(() -> iommufd.dirtyTracking(hwpt, false));
    done(() -> device.detachPasid(P100));
  }

  @Test
  void s21PasidIsRefusedWhileTheFunctionIsOnAnIoas() {
    refused(Errno.EINVAL, () -> device.attachPasid(P100, s2));
  }

  @Test
  void s22HardwareInfoTellsTheWidth() {
    assertThat(device.hwInfo().maxPasidLog2()).isEqualTo(rig.width());
  }

  @Test
  void s22HardwareInfoOfAForeignTypeIsRefused() {
    refused(Errno.EOPNOTSUPP, () -> iommufd.hwInfo(device.id(), rig.foreignHwInfoType()));
  }

  @Test
  void s22HardwareInfoOfNoDeviceIsRefused() {
    refused(Errno.ENOENT, () -> iommufd.hwInfo(new DeviceId(0)));
    refused(Errno.ENOENT, () -> iommufd.hwInfo(new DeviceId(ioas.value())));
  }

  @Test
  void s22HardwareInfoOfADeviceWithALimitOfOneTellsNoWidth() {
    BoundDevice narrow = bind(rig.deviceWithLimitOne(), "device with a PASID limit of 1");

    assertThat(narrow.hwInfo().maxPasidLog2()).isZero();
  }

  @Test
  void s22HardwareInfoFillsShortAndLongBuffers() {
    abort("the backend's buffer is always long enough; RequestBytesTest has others");
  }

  @Test
  void s23EveryFailingAllocationKeepsTheOldState() {
    device.attach(s2);
    HwptId first = paging(device, ioas, HwptFlag.PASID);
    HwptId second = paging(device, ioas, HwptFlag.PASID);

    int attaching =
        failEach(
            () -> device.attachPasid(P200, first),
            () -> notAttached(device, P200),
            () -> device.detachPasid(P200));
    device.attachPasid(P200, first);
    failEach(
        () -> device.attachPasid(P200, second),
        () -> attached(device, P200, first),
        () -> device.attachPasid(P200, first));
    device.attachPasid(P200, second);
    done(() -> iommufd.destroy(first));
    device.detachPasid(P200);
    done(() -> iommufd.destroy(second));
    assertThat(attaching).as("allocations that failed").isPositive();
    assertThat(nextId()).as("nothing was left behind").isEqualTo(first.value());
  }

  /// Makes a request again and again, each time with a later allocation failing, until none does.
  ///
  /// @param unchanged looks whether a refused request has changed nothing
  /// @param undo takes back a request that was done although an allocation failed
  /// @return how many times it was refused
  private int failEach(Runnable request, Runnable unchanged, Runnable undo) {
    int refused = 0;
    for (int number = 1; ; number++) {
      switch (need(rig.failAllocation(number, request), "allocations that can fail")) {
        case REFUSED -> {
          unchanged.run();
          refused++;
        }
        case DONE_ALL_THE_SAME -> undo.run();
        case NOT_REACHED -> {
          undo.run();
          return refused;
        }
      }
    }
  }

  @Test
  void s24VdeviceIsGoneWithItsDevice() {
    int type = viommuType();
    ViommuId viommu = iommufd.viommuAlloc(device.id(), nestParent(device, ioas), type);
    VdeviceId vdevice = iommufd.vdeviceAlloc(viommu, device.id(), 0x99);

    device.close();
    refused(Errno.ENOENT, () -> iommufd.destroy(vdevice));
    done(() -> iommufd.destroy(viommu));
  }
}
