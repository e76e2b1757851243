package io.vpasid.it.contract;

import static org.assertj.core.api.Assertions.assertThat;

import io.vpasid.vmm.iommufd.BoundDevice;
import io.vpasid.vmm.iommufd.FaultQueue;
import io.vpasid.vmm.iommufd.HwptFlag;
import io.vpasid.vmm.iommufd.HwptId;
import io.vpasid.vmm.iommufd.HwptRequest;
import io.vpasid.vmm.iommufd.IoasId;
import io.vpasid.vmm.linux.Errno;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// A PASID is attached, moved and detached: what is refused, and in which order that is found out.
abstract class PasidRows extends BoundDeviceRows {
  private HwptId hwpt;

  @BeforeEach
  void makePageTable() {
    hwpt = paging(device, ioas, HwptFlag.PASID);
  }

  @Test
  void unknownPageTableIsRefused() {
    refused(Errno.ENOENT, () -> device.attachPasid(P100, new HwptId(0)));
    refused(Errno.ENOENT, () -> device.attachPasid(P100, new HwptId(0x7fffffff)));
    refused(Errno.ENOENT, () -> device.attachPasid(P100, new HwptId(0xffffffff)));
  }

  @Test
  void objectThatIsNoPageTableIsRefused() {
    FaultQueue faults = keep(iommufd.faultQueueAlloc());

    refused(Errno.EINVAL, () -> device.attachPasid(P100, new HwptId(device.id().value())));
    refused(Errno.EINVAL, () -> device.attachPasid(P100, new HwptId(faults.id().value())));
  }

  @Test
  void missingPageTableIsToldBeforeAPasidBeyondTheLimit() {
    refused(Errno.ENOENT, () -> device.attachPasid(pasid(1 << rig.width()), new HwptId(0)));
  }

  @Test
  void pasidThatWasRefusedIsFree() {
    refused(Errno.EINVAL, () -> device.attachPasid(P100, ioas));

    done(() -> device.attachPasid(P100, hwpt));
    attached(device, P100, hwpt);
  }

  @Test
  void deadMemoryIsFoundBeforeAnIoasIsRefusedInAReplace(@TempDir Path directory)
      throws IOException {
    IoasId dead = iommufd.ioasAlloc();
    iommufd.mapAt(dead, IOVA, deadMemory(directory), RW);
    int next = nextId();

    refused(Errno.EINVAL, () -> device.attachPasid(P100, dead));
    device.attachPasid(P100, hwpt);
    refused(Errno.EFAULT, () -> device.attachPasid(P100, dead));
    attached(device, P100, hwpt);
    assertThat(nextId()).as("nothing was left behind").isEqualTo(next);
  }

  @Test
  void failedReplaceKeepsTheOldPageTableInUse() {
    HwptId plain = paging(device, ioas);
    device.attachPasid(P100, hwpt);

    refused(Errno.EINVAL, () -> device.attachPasid(P100, plain));
    refused(Errno.ENOENT, () -> device.attachPasid(P100, new HwptId(0)));
    attached(device, P100, hwpt);
    refused(Errno.EBUSY, () -> iommufd.destroy(hwpt));
    done(() -> iommufd.destroy(plain));
  }

  @Test
  void replaceReleasesTheOldPageTable() {
    HwptId other = paging(device, ioas, HwptFlag.PASID);
    device.attachPasid(P100, hwpt);

    device.attachPasid(P100, other);
    done(() -> iommufd.destroy(hwpt));
    refused(Errno.EBUSY, () -> iommufd.destroy(other));
  }

  @Test
  void functionCannotGoToAnIoasWhileAPasidIsAttached() {
    device.attachPasid(P100, hwpt);

    refused(Errno.EINVAL, () -> device.attach(ioas));
    notAttached(device, NONE);
    device.detachPasid(P100);
    done(() -> device.attach(ioas));
  }

  @Test
  void functionAndPasidsCanShareAPageTable() {
    device.attach(hwpt);
    for (int number = 1; number <= 1000; number++) {
      assertThat(device.attachPasid(pasid(number), hwpt)).isEqualTo(hwpt);
    }
    attached(device, pasid(1000), hwpt);

    for (int number = 1; number <= 1000; number++) {
      device.detachPasid(pasid(number));
    }
    notAttached(device, pasid(1));
    device.detach();
    done(() -> iommufd.destroy(hwpt));
  }

  @Test
  void detachTwiceSucceeds() {
    device.attachPasid(P100, hwpt);

    done(() -> device.detachPasid(P100));
    done(() -> device.detachPasid(P100));
    done(() -> iommufd.destroy(hwpt));
  }

  @Test
  void attachmentsOutliveAReset() {
    device.attach(hwpt);
    device.attachPasid(P100, hwpt);

    device.reset();
    attached(device, NONE, hwpt);
    attached(device, P100, hwpt);
  }

  @Test
  void groupMovesAPasidTogether() {
    ContractRig.Pair pair = need(rig.pair(), "group of two functions");
    BoundDevice first = bind(pair.first());
    BoundDevice second = bind(pair.second());
    HwptId one = paging(first, ioas, HwptFlag.PASID);
    HwptId other = paging(first, ioas, HwptFlag.PASID);
    first.attachPasid(P100, one);
    second.attachPasid(P100, one);

    done(() -> second.attachPasid(P100, other));
    attached(first, P100, other);
    done(() -> iommufd.destroy(one));
  }

  @Test
  void pasidOfOneFunctionKeepsItsWholeGroupOnPageTablesWithPasidFlag() {
    ContractRig.Pair pair = need(rig.pair(), "group of two functions");
    BoundDevice first = bind(pair.first());
    BoundDevice second = bind(pair.second());
    first.attachPasid(P100, paging(first, ioas, HwptFlag.PASID));

    refused(Errno.EINVAL, () -> second.attach(ioas));
  }

  @Test
  void pageTableWithFaultsIsRefusedForAVirtualFunction() {
    BoundDevice vf =
        bind(rig.virtualFunctionWithPageRequests(), "virtual function with page requests");
    FaultQueue faults = keep(iommufd.faultQueueAlloc());
    HwptId faulting =
        hwptAlloc(HwptRequest.paging(vf.id(), ioas).with(HwptFlag.PASID).withFaults(faults.id()));

    refused(Errno.EINVAL, () -> vf.attach(faulting));
    refused(Errno.EINVAL, () -> vf.attachPasid(P100, faulting));
  }
}
