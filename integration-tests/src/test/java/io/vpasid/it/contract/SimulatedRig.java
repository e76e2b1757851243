package io.vpasid.it.contract;

import static org.assertj.core.api.Assertions.assertThat;

import io.vpasid.pci.PciAddress;
import io.vpasid.vmm.iommufd.BoundDevice;
import io.vpasid.vmm.iommufd.HwptData;
import io.vpasid.vmm.iommufd.IommufdBackend;
import io.vpasid.vmm.iommufd.IommufdException;
import io.vpasid.vmm.iommufd.IovaRanges;
import io.vpasid.vmm.iommufd.PageFault;
import io.vpasid.vmm.iommufd.Pasid;
import io.vpasid.vmm.iommufd.Payload;
import io.vpasid.vmm.iommufd.simulated.IommuProfile;
import io.vpasid.vmm.iommufd.simulated.KernelVersion;
import io.vpasid.vmm.iommufd.simulated.PageRequest;
import io.vpasid.vmm.iommufd.simulated.SimulatedDevice;
import io.vpasid.vmm.iommufd.simulated.SimulatedHost;
import io.vpasid.vmm.linux.Errno;
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
  String name() {
    return "the simulated " + iommu.vendor() + " host";
  }

  @Override
  KernelVersion release() {
    return host.kernel();
  }

  @Override
  IommufdBackend open() {
    return host.open();
  }

  @Override
  PciAddress device() {
    return DEVICE;
  }

  @Override
  int width() {
    return WIDTH;
  }

  @Override
  Optional<HwptData> nestedData() {
    return switch (iommu.vendor()) {
      case INTEL -> Optional.of(new HwptData.VtdS1(0, 0x1000, 48));
      case MOCK -> Optional.of(new HwptData.Other(0xdead, Payload.of(new byte[8])));
      case ARM, AMD, NONE -> Optional.empty();
    };
  }

  @Override
  boolean tracksDirtyPages() {
    return true;
  }

  @Override
  List<IovaRanges.Range> reserved() {
    return iommu.reserved();
  }

  @Override
  long pageSize() {
    return iommu.pageSize();
  }

  @Override
  Optional<PciAddress> deviceWithLimitOne() {
    return Optional.of(LIMIT_ONE);
  }

  @Override
  Optional<PciAddress> deviceWithoutPasids() {
    return iommu.vendor() == IommuProfile.Vendor.MOCK
        ? Optional.empty()
        : Optional.of(WITHOUT_PASIDS);
  }

  @Override
  Optional<PciAddress> deviceOfOtherDriver() {
    return Optional.of(OTHER_DRIVER);
  }

  @Override
  Optional<PciAddress> deviceWithoutDirtyTracking() {
    return Optional.of(WITHOUT_DIRTY);
  }

  @Override
  Optional<PciAddress> virtualFunctionWithPageRequests() {
    return Optional.of(VIRTUAL);
  }

  @Override
  Optional<Pair> pair() {
    return Optional.of(new Pair(FIRST, SECOND));
  }

  @Override
  Optional<Pasid> pasidThatCannotBeReplaced() {
    return iommu.vendor() == IommuProfile.Vendor.MOCK
        ? Optional.of(new Pasid(1024))
        : Optional.empty();
  }

  @Override
  Optional<Integer> viommuType() {
    return iommu.vendor() == IommuProfile.Vendor.MOCK ? Optional.of(0xdeadbeef) : Optional.empty();
  }

  @Override
  int foreignHwInfoType() {
    return 2;
  }

  @Override
  Optional<AutoCloseable> openGroup(PciAddress function) {
    return Optional.of(host.openGroup(function));
  }

  @Override
  Optional<LongResets> longResets() {
    return Optional.of(new LongResets(DEVICE, () -> host.beginReset(DEVICE)));
  }

  @Override
  Optional<PageRequests> pageRequests() {
    return Optional.of((device, pasid, group, address) ->
        host.request(
            device.address(), new PageRequest(pasid, group, true, PageFault.READ, address)));
  }

  @Override
  Optional<Attached> look(BoundDevice device, Pasid pasid) {
    return Optional.of(new Attached(host.attachment(device.address(), pasid)));
  }

  @Override
  Optional<Integer> ordinaryFile() {
    return Optional.of(host.openFile(false));
  }

  @Override
  Optional<Integer> memfd() {
    return Optional.of(host.openFile(true));
  }

  @Override
  Optional<Failing> failAllocation(int number, Runnable request) {
    long before = host.failures().allocations();
    host.failures().failAllocation(number);
    try {
      request.run();
      boolean reached = host.failures().allocations() - before >= number;
      return Optional.of(reached ? Failing.DONE_ALL_THE_SAME : Failing.NOT_REACHED);
    } catch (IommufdException e) {
      assertThat(e.errno()).isEqualTo(Errno.ENOMEM);
      return Optional.of(Failing.REFUSED);
    } finally {
      host.failures().clear();
    }
  }

  @Override
  boolean failNextAnswer() {
    host.failures().failWriteBack();
    return true;
  }
}
