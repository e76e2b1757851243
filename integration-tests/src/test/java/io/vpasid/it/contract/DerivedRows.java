package io.vpasid.it.contract;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;

import io.vpasid.vmm.iommufd.BoundDevice;
import io.vpasid.vmm.iommufd.HwptFlag;
import io.vpasid.vmm.iommufd.HwptId;
import io.vpasid.vmm.iommufd.IommufdBackend;
import io.vpasid.vmm.linux.Errno;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// Scenarios X1 to X15, derived from the kernel's sources.
abstract class DerivedRows extends BoundDeviceRows {
  private HwptId hwpt;

  @BeforeEach
  void makePageTable() {
    hwpt = paging(device, ioas, HwptFlag.PASID);
  }

  @Test
  void x1HighestPasidIsTakenAndTheNextOneRefused() {
    done(() -> device.attachPasid(pasid((1 << rig.width()) - 1), hwpt));
    refused(Errno.EINVAL, () -> device.attachPasid(pasid(1 << rig.width()), hwpt));
  }

  @Test
  void x2PasidsThatAreNoneAreRefusedInThreeWays() {
    refused(Errno.EINVAL, () -> device.attachPasid(pasid(0x7fffffff), hwpt));
    refused(Errno.ENOSPC, () -> device.attachPasid(pasid(0x80000000), hwpt));
    refused(Errno.ENOSPC, () -> device.attachPasid(pasid(0xffffffff), hwpt));
    refused(Errno.EINVAL, () -> device.attachPasid(pasid(0xffffffea), hwpt));
    refused(Errno.ENOENT, () -> device.attachPasid(pasid(0xffffffea), new HwptId(0)));
  }

  @Test
  void x2DetachOfPasidsThatAreNoneSucceeds() {
    done(() -> device.detachPasid(pasid(0x7fffffff)));
    done(() -> device.detachPasid(pasid(0x80000000)));
    done(() -> device.detachPasid(pasid(0xffffffff)));
    done(() -> device.detachPasid(pasid(1 << rig.width())));
  }

  @Test
  void x3PasidZeroAttachesTheFunctionItself() {
    HwptId plain = paging(device, ioas);

    assertThat(device.attachPasid(NONE, plain)).isEqualTo(plain);
    attached(device, NONE, plain);
  }

  @Test
  void x3PasidZeroTakesAnIoas() {
    assertThat(device.attachPasid(NONE, ioas)).isInstanceOf(HwptId.class);
  }

  @Test
  void x3PasidZeroKeepsThePlainAttachOut() {
    device.attachPasid(NONE, hwpt);

    refused(Errno.EBUSY, () -> device.attach(hwpt));
    done(device::detach);
    attached(device, NONE, hwpt);
    done(() -> device.detachPasid(NONE));
    notAttached(device, NONE);
    done(() -> device.attach(hwpt));
  }

  @Test
  void x3SecondAttachOfPasidZeroReplaces() {
    HwptId plain = paging(device, ioas);
    device.attachPasid(NONE, hwpt);

    assertThat(device.attachPasid(NONE, plain)).isEqualTo(plain);
    attached(device, NONE, plain);
  }

  @Test
  void x3PasidZeroIsRefusedWhileTheFunctionIsAttached() {
    device.attach(hwpt);

    refused(Errno.EBUSY, () -> device.attachPasid(NONE, hwpt));
    refused(Errno.EBUSY, () -> device.attachPasid(NONE, paging(device, ioas)));
    attached(device, NONE, hwpt);
  }

  @Test
  void x4ShortStructureWithPasidFlagIsRefused() {
    abort("the backend sends whole structures; RequestBytesTest sends short ones");
  }

  @Test
  void x5UnknownFlagIsRefused() {
    abort("the backend sends no unknown flags; RequestBytesTest does");
  }

  @Test
  void x6DriverWithoutPasidsRefusesThem() {
    BoundDevice other = bind(rig.deviceOfOtherDriver(), "driver without PASIDs");
    HwptId own = paging(other, ioas, HwptFlag.PASID);

    refused(Errno.EOPNOTSUPP, () -> other.attachPasid(P100, own));
    refused(Errno.EOPNOTSUPP, () -> other.detachPasid(P100));
    done(() -> other.attach(own));
  }

  @Test
  void x7PasidIsTakenWhileTheFunctionIsNotAttached() {
    done(() -> device.attachPasid(P100, hwpt));
    attached(device, P100, hwpt);
    notAttached(device, NONE);
  }

  @Test
  void x8DetachOfTheFunctionLeavesItsPasids() {
    device.attach(hwpt);
    device.attachPasid(P100, hwpt);

    done(device::detach);
    notAttached(device, NONE);
    attached(device, P100, hwpt);
  }

  @Test
  void x9CloseDetachesEverything() {
    device.attach(hwpt);
    device.attachPasid(P200, hwpt);
    device.attachPasid(P100, hwpt);
    refused(Errno.EBUSY, () -> iommufd.destroy(hwpt));

    device.close();
    done(() -> iommufd.destroy(hwpt));
  }

  @Test
  void x9BindAfterCloseSeesNothingAttached() {
    device.attach(hwpt);
    device.attachPasid(P100, hwpt);
    device.close();

    BoundDevice again = bind(rig.device());
    notAttached(again, NONE);
    notAttached(again, P100);
    done(() -> iommufd.destroy(hwpt));
  }

  @Test
  void x10DevicesOfAGroupShareAPasidsPageTable() {
    ContractRig.Pair pair = need(rig.pair(), "group of two functions");
    BoundDevice first = bind(pair.first());
    BoundDevice second = bind(pair.second());
    HwptId one = paging(first, ioas, HwptFlag.PASID);
    HwptId other = paging(first, ioas, HwptFlag.PASID);
    first.attachPasid(P100, one);

    refused(Errno.EINVAL, () -> second.attachPasid(P100, other));
    done(() -> second.attachPasid(P100, one));
    attached(second, P100, one);
  }

  @Test
  void x11AttachDuringResetIsBusyAndDetachSucceeds() throws Exception {
    ContractRig.LongResets resets = need(rig.longResets(), "reset that can be held");
    device.close();
    device = bind(resets.device());
    hwpt = paging(device, ioas, HwptFlag.PASID);
    HwptId other = paging(device, ioas, HwptFlag.PASID);
    device.attach(hwpt);
    device.attachPasid(P100, hwpt);
    device.attachPasid(P200, hwpt);

    try (AutoCloseable _ = resets.begin().call()) {
      refused(Errno.EBUSY, () -> device.attachPasid(pasid(300), hwpt));
      refused(Errno.EBUSY, () -> device.attachPasid(P100, other));
      refused(Errno.EBUSY, () -> device.attach(other));
      done(() -> device.attachPasid(P100, hwpt));
      done(() -> device.attach(hwpt));
      done(() -> device.detachPasid(P200));
    }
    attached(device, P100, hwpt);
    notAttached(device, P200);
    done(() -> device.attachPasid(P100, other));
  }

  @Test
  void x12DeviceWithoutPasidsTakesThemWithoutEffect() {
    BoundDevice without = bind(rig.deviceWithoutPasids(), "function without PASIDs");
    HwptId own = paging(without, ioas, HwptFlag.PASID);

    assertThat(without.hwInfo().maxPasidLog2()).isZero();
    done(() -> without.attachPasid(P100, own));
    done(() -> without.attachPasid(pasid(0x7fffffff), own));
    done(() -> without.detachPasid(P100));
  }

  @Test
  void x13PageTableOfAnotherContextIsUnknown() {
    HwptId further = paging(device, ioas, HwptFlag.PASID);
    IommufdBackend other = open();

    refused(Errno.ENOENT, () -> other.destroy(further));
    device.close();
    BoundDevice elsewhere = keep(other.bind(rig.device()));
    refused(Errno.ENOENT, () -> elsewhere.attachPasid(P100, further));
  }

  @Test
  void x14BindWhileTheGroupIsOpenIsBusy() throws Exception {
    device.close();

    try (AutoCloseable _ = need(rig.openGroup(rig.device()), "VFIO group file")) {
      refused(Errno.EBUSY, () -> iommufd.bind(rig.device()));
    }
    bind(rig.device());
  }

  @Test
  void x15AnswerThatCannotBeWrittenDetachesTheFunction() {
    HwptId own = paging(device, ioas, HwptFlag.PASID);
    device.attach(own);
    if (!rig.failNextAnswer()) {
      abort("the backend's memory can always be written; RequestBytesTest hands over other memory");
    }

    refused(Errno.EFAULT, () -> device.attachPasid(P100, hwpt));
    done(() -> iommufd.destroy(own));
    attached(device, P100, hwpt);
    refused(Errno.EBUSY, () -> iommufd.destroy(hwpt));
  }
}
