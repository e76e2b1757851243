package io.vpasid.vmm.iommufd.simulated;

import io.vpasid.pci.PciAddress;
import io.vpasid.vmm.iommufd.BoundDevice;
import io.vpasid.vmm.iommufd.ContractRig;
import io.vpasid.vmm.iommufd.HwptData;
import io.vpasid.vmm.iommufd.IommufdBackend;
import io.vpasid.vmm.iommufd.IovaRanges;
import io.vpasid.vmm.iommufd.PageFault;
import io.vpasid.vmm.iommufd.Pasid;
import io.vpasid.vmm.iommufd.Payload;
import java.util.List;
import java.util.Optional;

/// The simulator as a machine for the contract: one function of each kind behind one IOMMU.
final class SimulatedRig extends ContractRig {
  private static final PciAddress DEVICE = new PciAddress(0, 0x6a, 1, 0);
  private static final PciAddress LIMIT_ONE = new PciAddress(0, 0x6a, 2, 0);
  private static final PciAddress WITHOUT_PASIDS = new PciAddress(0, 0x6a, 3, 0);
  private static final PciAddress OTHER_DRIVER = new PciAddress(0, 0x6a, 4, 0);
  private static final PciAddress WITHOUT_DIRTY = new PciAddress(0, 0x6a, 5, 0);
  private static final PciAddress VIRTUAL = new PciAddress(0, 0x6a, 6, 1);
  private static final PciAddress FIRST = new PciAddress(0, 0x6a, 7, 0);
  private static final PciAddress SECOND = new PciAddress(0, 0x6a, 7, 1);
  private static final int GROUP = 7;
  private static final int WIDTH = 20;

  private final SimulatedHost host;
  private final IommuProfile iommu;

  SimulatedRig(IommuProfile iommu) {
    this.iommu = iommu;
    this.host =
        SimulatedHost.builder()
            .iommu(iommu)
            .device(SimulatedDevice.at(DEVICE).pasidWidth(WIDTH))
            .device(SimulatedDevice.at(LIMIT_ONE).pasidWidth(0))
            .device(SimulatedDevice.at(WITHOUT_PASIDS).withoutPasid())
            .device(
                SimulatedDevice.at(OTHER_DRIVER)
                    .pasidWidth(WIDTH)
                    .driver(SimulatedDevice.Driver.WITHOUT_PASIDS))
            .device(SimulatedDevice.at(WITHOUT_DIRTY).pasidWidth(WIDTH).withoutDirtyTracking())
            .device(SimulatedDevice.at(VIRTUAL).pasidWidth(WIDTH).virtualFunction())
            .device(SimulatedDevice.at(FIRST).pasidWidth(WIDTH).group(GROUP))
            .device(SimulatedDevice.at(SECOND).pasidWidth(WIDTH).group(GROUP))
            .build();
  }

  @Override
  public String name() {
    return "the simulated " + iommu.vendor() + " host";
  }

  @Override
  public IommufdBackend open() {
    return host.open();
  }

  @Override
  public PciAddress device() {
    return DEVICE;
  }

  @Override
  public int width() {
    return WIDTH;
  }

  @Override
  public Optional<HwptData> nestedData() {
    return switch (iommu.vendor()) {
      case INTEL -> Optional.of(new HwptData.VtdS1(0, 0x1000, 48));
      case MOCK -> Optional.of(new HwptData.Other(0xdead, Payload.of(new byte[8])));
      case ARM, AMD, NONE -> Optional.empty();
    };
  }

  @Override
  public boolean tracksDirtyPages() {
    return true;
  }

  @Override
  public List<IovaRanges.Range> reserved() {
    return iommu.reserved();
  }

  @Override
  public long pageSize() {
    return iommu.pageSize();
  }

  @Override
  public Optional<PciAddress> deviceWithLimitOne() {
    return Optional.of(LIMIT_ONE);
  }

  @Override
  public Optional<PciAddress> deviceWithoutPasids() {
    return iommu.vendor() == IommuProfile.Vendor.MOCK
        ? Optional.empty()
        : Optional.of(WITHOUT_PASIDS);
  }

  @Override
  public Optional<PciAddress> deviceOfOtherDriver() {
    return Optional.of(OTHER_DRIVER);
  }

  @Override
  public Optional<PciAddress> deviceWithoutDirtyTracking() {
    return Optional.of(WITHOUT_DIRTY);
  }

  @Override
  public Optional<PciAddress> virtualFunctionWithPageRequests() {
    return Optional.of(VIRTUAL);
  }

  @Override
  public Optional<Pair> pair() {
    return Optional.of(new Pair(FIRST, SECOND));
  }

  @Override
  public Optional<Pasid> pasidThatCannotBeReplaced() {
    return iommu.vendor() == IommuProfile.Vendor.MOCK
        ? Optional.of(new Pasid(1024))
        : Optional.empty();
  }

  @Override
  public Optional<Integer> viommuType() {
    return iommu.vendor() == IommuProfile.Vendor.MOCK ? Optional.of(0xdeadbeef) : Optional.empty();
  }

  @Override
  public int foreignHwInfoType() {
    return 2;
  }

  @Override
  public Optional<AutoCloseable> openGroup(PciAddress function) {
    return Optional.of(host.openGroup(function));
  }

  @Override
  public Optional<AutoCloseable> beginReset(PciAddress function) {
    return Optional.of(host.beginReset(function));
  }

  @Override
  public boolean request(BoundDevice device, Pasid pasid, int group, long address) {
    host.request(device.address(), new PageRequest(pasid, group, true, PageFault.READ, address));
    return true;
  }

  @Override
  public Optional<Attached> look(BoundDevice device, Pasid pasid) {
    return Optional.of(new Attached(host.attachment(device.address(), pasid)));
  }

  @Override
  public Optional<Integer> ordinaryFile() {
    return Optional.of(host.openFile(false));
  }

  @Override
  public Optional<Integer> memfd() {
    return Optional.of(host.openFile(true));
  }
}
