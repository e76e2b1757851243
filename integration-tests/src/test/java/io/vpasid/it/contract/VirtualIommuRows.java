package io.vpasid.it.contract;

import io.vpasid.vmm.iommufd.DeviceId;
import io.vpasid.vmm.iommufd.HwptId;
import io.vpasid.vmm.iommufd.Invalidation;
import io.vpasid.vmm.iommufd.Payload;
import io.vpasid.vmm.iommufd.VdeviceId;
import io.vpasid.vmm.iommufd.ViommuId;
import io.vpasid.vmm.linux.Errno;
import java.util.List;
import org.junit.jupiter.api.Test;

/// Nested page tables are invalidated, and virtual IOMMUs and their devices made.
abstract class VirtualIommuRows extends BoundDeviceRows {
  @Test
  void missingTargetIsNotFound() {
    refused(
        Errno.ENOENT,
        () -> iommufd.invalidate(new HwptId(12345), new Invalidation.VtdS1(List.of())));
  }

  @Test
  void targetThatIsNotNestedIsInvalid() {
    HwptId paging = paging(device, ioas);

    refused(
        ChangedErrno.INVALIDATION_OF_PAGING_TABLE.in(rig.release()),
        () -> iommufd.invalidate(paging, new Invalidation.VtdS1(List.of())));
  }

  @Test
  void entriesHaveALimitedLengthAndNumber() {
    HwptId nested = nested(device, nestParent(device, ioas));
    Payload payload = Payload.of(new byte[8192]);

    refused(
        Errno.EINVAL, () -> iommufd.invalidate(nested, new Invalidation.Other(0, 0, 1, payload)));
    refused(
        Errno.EINVAL,
        () -> iommufd.invalidate(nested, new Invalidation.Other(0, 4097, 1, payload)));
  }

  @Test
  void unknownTypeIsInvalid() {
    HwptId nested = nested(device, nestParent(device, ioas));
    Invalidation unknown = new Invalidation.Other(0x4711, 0, 0, Payload.of());

    refused(Errno.EINVAL, () -> iommufd.invalidate(nested, unknown));
  }

  @Test
  void viommuOfTypeZeroIsNotSupported() {
    needViommus();

    refused(Errno.EOPNOTSUPP, () -> iommufd.viommuAlloc(new DeviceId(0), new HwptId(0), 0));
  }

  @Test
  void viommuOfAMissingDeviceIsNotFound() {
    needViommus();

    refused(Errno.ENOENT, () -> iommufd.viommuAlloc(new DeviceId(0), new HwptId(0), 1));
  }

  @Test
  void viommuOfAnUnknownTypeIsNotSupported() {
    needViommus();

    refused(Errno.EOPNOTSUPP, () -> iommufd.viommuAlloc(device.id(), new HwptId(0), 0x4711));
  }

  @Test
  void viommuNeedsANestParent() {
    int type = viommuType();
    HwptId plain = paging(device, ioas);

    refused(Errno.ENOENT, () -> iommufd.viommuAlloc(device.id(), new HwptId(12345), type));
    refused(Errno.ENOENT, () -> iommufd.viommuAlloc(device.id(), new HwptId(ioas.value()), type));
    refused(Errno.EINVAL, () -> iommufd.viommuAlloc(device.id(), plain, type));
  }

  @Test
  void nestParentWithAViommuIsBusy() {
    int type = viommuType();
    HwptId parent = nestParent(device, ioas);
    ViommuId viommu = iommufd.viommuAlloc(device.id(), parent, type);

    refused(Errno.EBUSY, () -> iommufd.destroy(parent));
    iommufd.destroy(viommu);
    done(() -> iommufd.destroy(parent));
  }

  @Test
  void pageTableNestsOnAViommuAndTakesAPasid() {
    int type = viommuType();
    ViommuId viommu = iommufd.viommuAlloc(device.id(), nestParent(device, ioas), type);
    HwptId n2 = nested(device, viommu);

    done(() -> device.attachPasid(P100, n2));
    refused(Errno.EBUSY, () -> iommufd.destroy(viommu));
  }

  @Test
  void deviceBelongsToOneViommuUnderOneId() {
    int type = viommuType();
    ViommuId viommu = iommufd.viommuAlloc(device.id(), nestParent(device, ioas), type);
    VdeviceId vdevice = iommufd.vdeviceAlloc(viommu, device.id(), 0x99);

    refused(Errno.EEXIST, () -> iommufd.vdeviceAlloc(viommu, device.id(), 0x9a));
    refused(Errno.EBUSY, () -> iommufd.destroy(viommu));
    iommufd.destroy(vdevice);
    done(() -> iommufd.vdeviceAlloc(viommu, device.id(), 0x9a));
  }

  @Test
  void vdeviceNeedsAViommuAndADevice() {
    int type = viommuType();
    ViommuId viommu = iommufd.viommuAlloc(device.id(), nestParent(device, ioas), type);

    refused(Errno.ENOENT, () -> iommufd.vdeviceAlloc(new ViommuId(12345), device.id(), 0x99));
    refused(Errno.ENOENT, () -> iommufd.vdeviceAlloc(viommu, new DeviceId(12345), 0x99));
  }
}
