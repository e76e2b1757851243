package io.vpasid.it.contract;

import static org.assertj.core.api.Assertions.assertThat;

import io.vpasid.vmm.iommufd.BoundDevice;
import io.vpasid.vmm.iommufd.FaultQueue;
import io.vpasid.vmm.iommufd.HwptFlag;
import io.vpasid.vmm.iommufd.HwptId;
import io.vpasid.vmm.iommufd.IoasId;
import io.vpasid.vmm.iommufd.IovaRanges;
import io.vpasid.vmm.iommufd.PageTableId;
import io.vpasid.vmm.linux.Errno;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// A function itself, and with it its group, is attached, moved and detached: what becomes of the
/// page tables, and what its reserved regions forbid.
abstract class OwnAttachmentRows extends BoundDeviceRows {
  @Test
  void ioasGivesAPageTableThatGoesWithItsLastUser() {
    PageTableId chosen = device.attach(ioas);
    refused(Errno.EBUSY, () -> iommufd.destroy(chosen));

    device.detach();
    refused(Errno.ENOENT, () -> iommufd.destroy(chosen));
  }

  @Test
  void ioasAgainGivesTheSamePageTable() {
    PageTableId chosen = device.attach(ioas);

    assertThat(device.attach(ioas)).isEqualTo(chosen);
  }

  @Test
  void anotherIoasReplacesThePageTable() {
    IoasId other = iommufd.ioasAlloc();
    PageTableId first = device.attach(ioas);

    PageTableId second = device.attach(other);
    assertThat(second).isNotEqualTo(first);
    refused(Errno.ENOENT, () -> iommufd.destroy(first));
    done(() -> iommufd.destroy(ioas));
  }

  @Test
  void oldPageTableCanBeDestroyedAfterAReplace() {
    HwptId first = paging(device, ioas);
    HwptId second = paging(device, ioas);
    device.attach(first);

    device.attach(second);
    done(() -> iommufd.destroy(first));
    refused(Errno.EBUSY, () -> iommufd.destroy(second));
  }

  @Test
  void unknownPageTableIsRefusedAndTheOldOneStays() {
    HwptId hwpt = paging(device, ioas);
    device.attach(hwpt);

    refused(Errno.ENOENT, () -> device.attach(new HwptId(0)));
    refused(Errno.ENOENT, () -> device.attach(new HwptId(12345)));
    attached(device, NONE, hwpt);
  }

  @Test
  void objectThatIsNoPageTableIsRefused() {
    FaultQueue faults = keep(iommufd.faultQueueAlloc());

    refused(Errno.EINVAL, () -> device.attach(new HwptId(device.id().value())));
    refused(Errno.EINVAL, () -> device.attach(new IoasId(faults.id().value())));
  }

  @Test
  void detachWithoutAttachmentSucceeds() {
    done(device::detach);
    done(device::detach);
  }

  @Test
  void functionIsRefusedWhereSomethingIsMappedInItsReservedRegion() {
    IovaRanges.Range range = firstReserved();
    iommufd.mapAt(ioas, range.start(), memory(), RW);

    refused(Errno.EADDRINUSE, () -> device.attach(ioas));
    notAttached(device, NONE);
  }

  @Test
  void pasidIsTakenWhereSomethingIsMappedInTheFunctionsReservedRegion() {
    IovaRanges.Range range = firstReserved();
    iommufd.mapAt(ioas, range.start(), memory(), RW);
    HwptId hwpt = paging(device, ioas, HwptFlag.PASID);

    done(() -> device.attachPasid(P100, hwpt));
  }

  @Test
  void reservedRegionCannotBeMappedWhileTheFunctionIsAttached() {
    IovaRanges.Range range = firstReserved();
    device.attach(ioas);
    refused(Errno.EINVAL, () -> iommufd.mapAt(ioas, range.start(), memory(), RW));

    device.detach();
    done(() -> iommufd.mapAt(ioas, range.start(), memory(), RW));
  }

  @Test
  void reservedRegionsMoveWithTheFunction() {
    IovaRanges.Range range = firstReserved();
    IoasId other = iommufd.ioasAlloc();
    device.attach(ioas);
    device.attach(other);

    done(() -> iommufd.mapAt(ioas, range.start(), memory(), RW));
    refused(Errno.EINVAL, () -> iommufd.mapAt(other, range.start(), memory(), RW));
  }

  @Test
  void replaceIsRefusedWhereSomethingIsMappedInTheReservedRegion() {
    IovaRanges.Range range = firstReserved();
    IoasId other = iommufd.ioasAlloc();
    iommufd.mapAt(other, range.start(), memory(), RW);
    PageTableId before = device.attach(ioas);

    refused(Errno.EADDRINUSE, () -> device.attach(other));
    attached(device, NONE, (HwptId) before);
    refused(Errno.EINVAL, () -> iommufd.mapAt(ioas, range.start(), memory(), RW));
  }

  @Test
  void deadMemoryIsFoundWhenTheFunctionIsAttached(@TempDir Path directory) throws IOException {
    iommufd.mapAt(ioas, IOVA, deadMemory(directory), RW);

    refused(Errno.EFAULT, () -> device.attach(ioas));
    notAttached(device, NONE);
  }

  @Test
  void deadMemoryIsFoundWhenTheFunctionIsMoved(@TempDir Path directory) throws IOException {
    IoasId dead = iommufd.ioasAlloc();
    iommufd.mapAt(dead, IOVA, deadMemory(directory), RW);
    PageTableId before = device.attach(ioas);

    refused(Errno.EFAULT, () -> device.attach(dead));
    attached(device, NONE, (HwptId) before);
  }

  @Test
  void groupMovesTogether() {
    ContractRig.Pair pair = need(rig.pair(), "group of two functions");
    BoundDevice first = bind(pair.first());
    BoundDevice second = bind(pair.second());
    HwptId one = paging(first, ioas);
    HwptId other = paging(first, ioas);
    first.attach(one);
    refused(Errno.EINVAL, () -> second.attach(other));
    second.attach(one);

    done(() -> first.attach(other));
    attached(second, NONE, other);
    done(() -> iommufd.destroy(one));
  }

  @Test
  void groupStaysAttachedUntilTheLastFunctionLeaves() {
    ContractRig.Pair pair = need(rig.pair(), "group of two functions");
    BoundDevice first = bind(pair.first());
    BoundDevice second = bind(pair.second());
    HwptId hwpt = paging(first, ioas);
    first.attach(hwpt);
    second.attach(hwpt);

    first.detach();
    refused(Errno.EBUSY, () -> iommufd.destroy(hwpt));
    second.detach();
    done(() -> iommufd.destroy(hwpt));
  }

  private IovaRanges.Range firstReserved() {
    return need(rig.reserved().stream().findFirst(), "reserved region");
  }
}
