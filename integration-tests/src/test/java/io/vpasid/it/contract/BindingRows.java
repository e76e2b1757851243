package io.vpasid.it.contract;

import static org.assertj.core.api.Assertions.assertThat;

import io.vpasid.pci.PciAddress;
import io.vpasid.vmm.iommufd.BoundDevice;
import io.vpasid.vmm.iommufd.DeviceId;
import io.vpasid.vmm.iommufd.HwptFlag;
import io.vpasid.vmm.iommufd.HwptId;
import io.vpasid.vmm.iommufd.IoasId;
import io.vpasid.vmm.iommufd.IommufdBackend;
import io.vpasid.vmm.linux.Errno;
import org.junit.jupiter.api.Test;

/// A function is bound to a context: who else can bind it, and what is left once either is closed.
abstract class BindingRows extends ContractRows {
  @Test
  void deviceGetsTheFirstFreeId() {
    int next = nextId();

    assertThat(bind(rig.device()).id()).isEqualTo(new DeviceId(next));
  }

  @Test
  void deviceOfAnotherContextCannotBeBound() {
    bind(rig.device());

    refused(Errno.EINVAL, () -> open().bind(rig.device()));
  }

  @Test
  void secondFunctionOfAGroupCannotGoToAnotherContext() {
    ContractRig.Pair pair = need(rig.pair(), "group of two functions");
    bind(pair.first());

    refused(Errno.EPERM, () -> open().bind(pair.second()));
  }

  @Test
  void groupIsFreeAgainAfterItsLastFunctionWasClosed() {
    ContractRig.Pair pair = need(rig.pair(), "group of two functions");
    bind(pair.first()).close();

    IommufdBackend other = open();
    keep(other.bind(pair.second()));
  }

  @Test
  void functionThatIsNotThereCannotBeBound() {
    refused(Errno.ENODEV, () -> iommufd.bind(new PciAddress(0x7fff, 0xfe, 0x1f, 7)));
  }

  @Test
  void closedDeviceRefusesEverything() {
    BoundDevice device = bind(rig.device());
    IoasId ioas = iommufd.ioasAlloc();
    device.close();

    refused(Errno.EBADF, () -> device.attach(ioas));
    refused(Errno.EBADF, device::detach);
    refused(Errno.EBADF, () -> device.attachPasid(P100, ioas));
    refused(Errno.EBADF, () -> device.detachPasid(P100));
    refused(Errno.EBADF, device::reset);
    refused(Errno.EBADF, device::info);
    done(device::close);
  }

  @Test
  void closedDeviceIsUnknown() {
    BoundDevice device = bind(rig.device());
    device.close();

    refused(Errno.ENOENT, () -> iommufd.hwInfo(device.id()));
  }

  @Test
  void closedContextRefusesEverything() {
    iommufd.close();

    refused(Errno.EBADF, iommufd::ioasAlloc);
    refused(Errno.EBADF, iommufd::faultQueueAlloc);
    refused(Errno.EBADF, () -> iommufd.bind(rig.device()));
    refused(Errno.EBADF, () -> iommufd.destroy(new IoasId(1)));
    done(iommufd::close);
  }

  @Test
  void boundDeviceOutlivesItsContextsFile() {
    BoundDevice device = bind(rig.device());
    IoasId ioas = iommufd.ioasAlloc();
    HwptId hwpt = paging(device, ioas, HwptFlag.PASID);
    iommufd.close();

    done(() -> device.attach(hwpt));
    done(() -> device.attachPasid(P100, hwpt));
    attached(device, P100, hwpt);
  }

  @Test
  void objectsSurviveTheCloseOfADevice() {
    BoundDevice device = bind(rig.device());
    IoasId ioas = iommufd.ioasAlloc();
    HwptId hwpt = paging(device, ioas, HwptFlag.PASID);
    device.attach(hwpt);
    device.close();

    done(() -> iommufd.destroy(hwpt));
    done(() -> iommufd.destroy(ioas));
  }
}
