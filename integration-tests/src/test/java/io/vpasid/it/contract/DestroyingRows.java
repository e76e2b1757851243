package io.vpasid.it.contract;

import io.vpasid.vmm.iommufd.BoundDevice;
import io.vpasid.vmm.iommufd.FaultQueue;
import io.vpasid.vmm.iommufd.HwptId;
import io.vpasid.vmm.iommufd.HwptRequest;
import io.vpasid.vmm.iommufd.IoasId;
import io.vpasid.vmm.linux.Errno;
import org.junit.jupiter.api.Test;

/// Objects are destroyed; those that something uses are not.
abstract class DestroyingRows extends ContractRows {
  @Test
  void nothingIsNotFound() {
    refused(Errno.ENOENT, () -> iommufd.destroy(new IoasId(0)));
    refused(Errno.ENOENT, () -> iommufd.destroy(new IoasId(1)));
    refused(Errno.ENOENT, () -> iommufd.destroy(new IoasId(-1)));
  }

  @Test
  void destroyedObjectIsNotFound() {
    IoasId ioas = iommufd.ioasAlloc();
    iommufd.destroy(ioas);

    refused(Errno.ENOENT, () -> iommufd.destroy(ioas));
  }

  @Test
  void kindOfTheIdDoesNotMatter() {
    IoasId ioas = iommufd.ioasAlloc();

    done(() -> iommufd.destroy(new HwptId(ioas.value())));
  }

  @Test
  void boundDeviceIsBusy() {
    BoundDevice device = bind(rig.device());

    refused(Errno.EBUSY, () -> iommufd.destroy(device.id()));
  }

  @Test
  void ioasWithAPageTableIsBusy() {
    BoundDevice device = bind(rig.device());
    IoasId ioas = iommufd.ioasAlloc();
    HwptId hwpt = paging(device, ioas);

    refused(Errno.EBUSY, () -> iommufd.destroy(ioas));
    iommufd.destroy(hwpt);
    done(() -> iommufd.destroy(ioas));
  }

  @Test
  void ioasWithADeviceIsBusy() {
    BoundDevice device = bind(rig.device());
    IoasId ioas = iommufd.ioasAlloc();
    device.attach(ioas);

    refused(Errno.EBUSY, () -> iommufd.destroy(ioas));
  }

  @Test
  void ioasWithMappingsIsNotBusy() {
    IoasId ioas = iommufd.ioasAlloc();
    iommufd.map(ioas, memory(), RW);

    done(() -> iommufd.destroy(ioas));
  }

  @Test
  void nestParentWithChildrenIsBusy() {
    BoundDevice device = bind(rig.device());
    IoasId ioas = iommufd.ioasAlloc();
    HwptId parent = nestParent(device, ioas);
    HwptId child = nested(device, parent);

    refused(Errno.EBUSY, () -> iommufd.destroy(parent));
    iommufd.destroy(child);
    done(() -> iommufd.destroy(parent));
  }

  @Test
  void attachedNestedPageTableIsBusy() {
    BoundDevice device = bind(rig.device());
    HwptId nested = nested(device, nestParent(device, iommufd.ioasAlloc()));
    device.attach(nested);

    refused(Errno.EBUSY, () -> iommufd.destroy(nested));
  }

  @Test
  void faultQueueIsBusyWhileItIsOpenOrUsed() {
    BoundDevice device = bind(rig.device());
    IoasId ioas = iommufd.ioasAlloc();
    needFaultsOfPagingTables(device, ioas);
    FaultQueue faults = iommufd.faultQueueAlloc();
    HwptId hwpt = iommufd.hwptAlloc(HwptRequest.paging(device.id(), ioas).withFaults(faults.id()));

    refused(Errno.EBUSY, () -> iommufd.destroy(faults.id()));
    faults.close();
    refused(Errno.EBUSY, () -> iommufd.destroy(faults.id()));
    iommufd.destroy(hwpt);
    done(() -> iommufd.destroy(faults.id()));
  }
}
