package io.vpasid.it.contract;

import static org.assertj.core.api.Assertions.assertThat;

import io.vpasid.vmm.iommufd.BoundDevice;
import io.vpasid.vmm.iommufd.DeviceId;
import io.vpasid.vmm.iommufd.FaultId;
import io.vpasid.vmm.iommufd.FaultQueue;
import io.vpasid.vmm.iommufd.HwptData;
import io.vpasid.vmm.iommufd.HwptFlag;
import io.vpasid.vmm.iommufd.HwptId;
import io.vpasid.vmm.iommufd.HwptRequest;
import io.vpasid.vmm.iommufd.IoasId;
import io.vpasid.vmm.iommufd.Payload;
import io.vpasid.vmm.linux.Errno;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Page tables are made: on what, with which flags and data, and what is refused first.
abstract class PageTableRows extends BoundDeviceRows {
  @Test
  void idsAreTheLowestFree() {
    HwptId first = paging(device, ioas);
    HwptId second = paging(device, ioas);
    iommufd.destroy(first);

    assertThat(second.value()).isEqualTo(first.value() + 1);
    assertThat(paging(device, ioas)).isEqualTo(first);
  }

  @Test
  void missingDeviceIsNotFound() {
    refused(Errno.ENOENT, () -> iommufd.hwptAlloc(HwptRequest.paging(new DeviceId(0), ioas)));
    refused(
        Errno.ENOENT,
        () -> iommufd.hwptAlloc(HwptRequest.paging(new DeviceId(ioas.value()), ioas)));
  }

  @Test
  void missingParentIsInvalid() {
    refused(Errno.EINVAL, () -> iommufd.hwptAlloc(HwptRequest.paging(device.id(), new IoasId(0))));
    refused(
        Errno.EINVAL, () -> iommufd.hwptAlloc(HwptRequest.paging(device.id(), new IoasId(12345))));
  }

  @Test
  void parentOfAnotherKindIsInvalid() {
    IoasId wrong = new IoasId(device.id().value());

    refused(Errno.EINVAL, () -> iommufd.hwptAlloc(HwptRequest.paging(device.id(), wrong)));
  }

  @Test
  void missingDeviceIsToldBeforeAMissingParent() {
    refused(
        Errno.ENOENT, () -> iommufd.hwptAlloc(HwptRequest.paging(new DeviceId(0), new IoasId(0))));
  }

  @Test
  void noDataWithALengthIsInvalid() {
    HwptRequest request =
        HwptRequest.nested(
            device.id(), ioas, new HwptData.Other(0, Payload.of(new byte[] {1, 2, 3, 4})));

    refused(Errno.EINVAL, () -> iommufd.hwptAlloc(request));
  }

  @Test
  void dataOfLengthZeroIsInvalid() {
    HwptRequest request =
        HwptRequest.nested(device.id(), ioas, new HwptData.Other(1, Payload.of()));

    refused(Errno.EINVAL, () -> iommufd.hwptAlloc(request));
  }

  @Test
  void dataOnAnIoasIsNotSupported() {
    HwptRequest request = HwptRequest.nested(device.id(), ioas, new HwptData.VtdS1(0, 0, 48));

    refused(Errno.EOPNOTSUPP, () -> iommufd.hwptAlloc(request));
  }

  @Test
  void faultQueueMustExist() {
    int next = nextId();
    HwptRequest request = HwptRequest.paging(device.id(), ioas);

    needFaultsOfPagingTables(device, ioas);
    refused(Errno.ENOENT, () -> iommufd.hwptAlloc(request.withFaults(new FaultId(0xffffffff))));
    refused(Errno.ENOENT, () -> iommufd.hwptAlloc(request.withFaults(new FaultId(ioas.value()))));
    assertThat(nextId()).as("nothing was left behind").isEqualTo(next);
  }

  @Test
  void faultQueueWithoutItsFlagIsIgnored() {
    HwptRequest request =
        new HwptRequest(device.id(), ioas, Set.of(), HwptData.None.NONE, new FaultId(-1));

    done(() -> iommufd.hwptAlloc(request));
  }

  @Test
  void nestParentWithFaultsIsNotSupported() {
    FaultQueue faults = keep(iommufd.faultQueueAlloc());
    HwptRequest request =
        HwptRequest.paging(device.id(), ioas).with(HwptFlag.NEST_PARENT).withFaults(faults.id());

    refused(Errno.EOPNOTSUPP, () -> iommufd.hwptAlloc(request));
  }

  @Test
  void dirtyTrackingOfADeviceWithoutItIsNotSupported() {
    BoundDevice without = bind(rig.deviceWithoutDirtyTracking(), "device without dirty tracking");
    HwptRequest request = HwptRequest.paging(without.id(), ioas).with(HwptFlag.DIRTY_TRACKING);

    refused(Errno.EOPNOTSUPP, () -> iommufd.hwptAlloc(request));
  }

  @Test
  void pageTableThatTracksIsRefusedForADeviceThatCannot() {
    BoundDevice without = bind(rig.deviceWithoutDirtyTracking(), "device without dirty tracking");
    HwptId tracking = paging(device, ioas, HwptFlag.DIRTY_TRACKING);

    refused(Errno.EINVAL, () -> without.attach(tracking));
  }

  @Test
  void dirtyTrackingOfAPageTableWithoutItIsNotSupported() {
    HwptId plain = paging(device, ioas);

    refused(Errno.EOPNOTSUPP, () -> iommufd.dirtyTracking(plain, true));
    refused(Errno.ENOENT, () -> iommufd.dirtyTracking(new HwptId(ioas.value()), true));
  }

  @Test
  void nothingNestsOnAPlainPageTable() {
    HwptRequest request = nesting(device, paging(device, ioas));

    refused(Errno.EINVAL, () -> iommufd.hwptAlloc(request));
  }

  @Test
  void nothingNestsOnThePageTableOfAnIoas() {
    HwptRequest request = nesting(device, device.attach(ioas));

    refused(Errno.EINVAL, () -> iommufd.hwptAlloc(request));
  }

  @Test
  void nestedPageTableCannotBeANestParent() {
    HwptId parent = nestParent(device, ioas);
    HwptRequest request = nesting(device, parent).with(HwptFlag.NEST_PARENT);

    refused(Errno.EOPNOTSUPP, () -> iommufd.hwptAlloc(request));
  }

  @Test
  void nestedPageTableCannotTrackDirtyPages() {
    HwptId parent = nestParent(device, ioas);
    HwptRequest request = nesting(device, parent).with(HwptFlag.DIRTY_TRACKING);

    refused(Errno.EOPNOTSUPP, () -> iommufd.hwptAlloc(request));
  }

  @Test
  void nothingNestsOnANestedPageTable() {
    HwptId nested = nested(device, nestParent(device, ioas));

    refused(Errno.EINVAL, () -> iommufd.hwptAlloc(nesting(device, nested)));
  }

  @Test
  void nestedPageTableNeedsData() {
    HwptId parent = nestParent(device, ioas);
    HwptRequest request = HwptRequest.nested(device.id(), parent, HwptData.None.NONE);

    refused(Errno.EOPNOTSUPP, () -> iommufd.hwptAlloc(request));
  }

  @Test
  void unknownDataIsNotSupported() {
    HwptId parent = nestParent(device, ioas);
    HwptRequest request =
        HwptRequest.nested(
            device.id(), parent, new HwptData.Other(0x12345, Payload.of(new byte[64])));

    refused(Errno.EOPNOTSUPP, () -> iommufd.hwptAlloc(request));
  }

  @Test
  void dataOfAWrongLengthIsInvalid() {
    HwptId parent = nestParent(device, ioas);
    int type = need(rig.nestedData(), "nesting").type();
    HwptRequest tooShort =
        HwptRequest.nested(device.id(), parent, new HwptData.Other(type, Payload.of(new byte[2])));

    refused(Errno.EINVAL, () -> iommufd.hwptAlloc(tooShort));
  }

  @Test
  void deadMemoryIsFoundWhenAPageTableIsMade(@TempDir Path directory) throws IOException {
    iommufd.mapAt(ioas, IOVA, deadMemory(directory), RW);
    int next = nextId();

    refused(Errno.EFAULT, () -> paging(device, ioas));
    iommufd.unmapAll(ioas);
    assertThat(nextId()).as("nothing was left behind").isEqualTo(next);
  }

  @Test
  void mappingThatIsNotAlignedToThePagesIsRefused() {
    iommufd.mapAt(ioas, IOVA, memory().asSlice(0, 512), RW);

    refused(Errno.EADDRINUSE, () -> paging(device, ioas));
  }
}
