package io.vpasid.vmm.pasid;

import io.vpasid.pci.PciAddress;
import io.vpasid.pci.emulation.DeviceConfig;
import io.vpasid.vmm.iommufd.BoundDevice;
import io.vpasid.vmm.iommufd.DeviceId;
import io.vpasid.vmm.iommufd.HwInfo;
import io.vpasid.vmm.iommufd.PageTableId;
import io.vpasid.vmm.vfio.DeviceInfo;

/// A bound function of which only the requests for PASIDs may be made.
abstract class PasidOnlyDevice implements BoundDevice {

  @Override
  public PciAddress address() {
    return new PciAddress(0, 0, 0, 0);
  }

  @Override
  public DeviceId id() {
    return new DeviceId(1);
  }

  @Override
  public HwInfo hwInfo() {
    throw new UnsupportedOperationException();
  }

  @Override
  public DeviceInfo info() {
    throw new UnsupportedOperationException();
  }

  @Override
  public DeviceConfig config() {
    throw new UnsupportedOperationException();
  }

  @Override
  public PageTableId attach(PageTableId pageTable) {
    throw new UnsupportedOperationException();
  }

  @Override
  public void detach() {
    throw new UnsupportedOperationException();
  }

  @Override
  public void reset() {
    throw new UnsupportedOperationException();
  }

  @Override
  public void close() {}
}
