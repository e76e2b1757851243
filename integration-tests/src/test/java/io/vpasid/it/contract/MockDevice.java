package io.vpasid.it.contract;

import io.vpasid.pci.ConfigSpace;
import io.vpasid.pci.PciAddress;
import io.vpasid.pci.emulation.DeviceConfig;
import io.vpasid.vmm.iommufd.BoundDevice;
import io.vpasid.vmm.iommufd.DeviceId;
import io.vpasid.vmm.iommufd.HwInfo;
import io.vpasid.vmm.iommufd.HwptFlag;
import io.vpasid.vmm.iommufd.HwptId;
import io.vpasid.vmm.iommufd.HwptRequest;
import io.vpasid.vmm.iommufd.IoasId;
import io.vpasid.vmm.iommufd.IommufdBackend;
import io.vpasid.vmm.iommufd.PageTableId;
import io.vpasid.vmm.iommufd.Pasid;
import io.vpasid.vmm.vfio.DeviceInfo;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Optional;
import java.util.TreeSet;

/// A mock device of the kernel, used as if VFIO had it.
///
/// It differs from one of VFIO in two ways. It is always attached, so being detached is being on a
/// page table of its own here, which was made for PASIDs. And attaching and replacing a PASID are
/// two operations; which one it is, this class knows, as VFIO does.
final class MockDevice implements BoundDevice {
  /// Page tables that are looked through to find the one that a PASID is on.
  private static final int HIGHEST_ID = 64;

  private final IommufdBackend kernel;
  private final int fd;
  private final PciAddress address;
  private final int mock;
  private final DeviceId id;
  private final HwptId parking;
  private final TreeSet<Integer> pasids = new TreeSet<>();
  private boolean closed;

  private MockDevice(
      IommufdBackend kernel, int fd, PciAddress address, int mock, DeviceId id, HwptId parking) {
    this.kernel = kernel;
    this.fd = fd;
    this.address = address;
    this.mock = mock;
    this.id = id;
    this.parking = parking;
  }

  static MockDevice make(IommufdBackend kernel, int fd, PciAddress address, int flags) {
    IoasId ioas = kernel.ioasAlloc();
    try (MockRequest request = new MockRequest(MockRequest.MAKE_DEVICE, ioas.value())) {
      request.set(28, flags).makeOrThrow(fd);
      DeviceId id = new DeviceId(request.get(24));
      HwptId parking = kernel.hwptAlloc(HwptRequest.paging(id, ioas).with(HwptFlag.PASID));
      MockDevice made = new MockDevice(kernel, fd, address, request.get(16), id, parking);
      made.detach();
      return made;
    }
  }

  @Override
  public PciAddress address() {
    return address;
  }

  @Override
  public DeviceId id() {
    return id;
  }

  @Override
  public HwInfo hwInfo() {
    return kernel.hwInfo(id);
  }

  @Override
  public PageTableId attach(PageTableId pageTable) {
    try (MockRequest request = new MockRequest(MockRequest.REPLACE, mock)) {
      return new HwptId(request.set(16, pageTable.value()).makeOrThrow(fd).get(16));
    }
  }

  @Override
  public void detach() {
    attach(parking);
  }

  @Override
  public PageTableId attachPasid(Pasid pasid, PageTableId pageTable) {
    int operation =
        pasids.contains(pasid.value()) ? MockRequest.PASID_REPLACE : MockRequest.PASID_ATTACH;
    try (MockRequest request = new MockRequest(operation, mock)) {
      request.set(16, pasid.value()).set(20, pageTable.value()).makeOrThrow(fd);
      pasids.add(pasid.value());
      return new HwptId(request.get(20));
    }
  }

  @Override
  public void detachPasid(Pasid pasid) {
    try (MockRequest request = new MockRequest(MockRequest.PASID_DETACH, mock)) {
      request.set(16, pasid.value()).makeOrThrow(fd);
      pasids.remove(pasid.value());
    }
  }

  /// What a PASID is attached to; empty if to nothing.
  Optional<HwptId> look(Pasid pasid) {
    for (int hwpt = 0; hwpt <= HIGHEST_ID; hwpt++) {
      try (MockRequest request = new MockRequest(MockRequest.PASID_CHECK, mock)) {
        if (request.set(16, pasid.value()).set(20, hwpt).make(fd) == 0) {
          return hwpt == 0 ? Optional.empty() : Optional.of(new HwptId(hwpt));
        }
      }
    }
    throw new AssertionError("PASID " + pasid + " is on no page table up to " + HIGHEST_ID);
  }

  /// Lets it send a page request that is a group of its own.
  void request(Pasid pasid, int group, int permissions, long pageAddress) {
    try (MockRequest request = new MockRequest(MockRequest.PAGE_REQUEST, 0)) {
      request
          .set(16, id.value())
          .set(20, pasid.value())
          .set(24, group)
          .set(28, permissions)
          .setLong(32, pageAddress)
          .makeOrThrow(fd);
    }
  }

  @Override
  public DeviceInfo info() {
    throw new UnsupportedOperationException("A mock device has no VFIO");
  }

  /// Does the page table `hwpt` have this in an entry of its mock IOTLB?
  boolean hasCached(HwptId hwpt, int entry, int value) {
    try (MockRequest request = new MockRequest(MockRequest.CHECK_IOTLB, hwpt.value())) {
      return request.set(16, entry).set(20, value).make(fd) == 0;
    }
  }

  /// It has none; this is that of a PCI Express endpoint, so that a VMM finds one.
  @Override
  public DeviceConfig config() {
    ByteBuffer bytes =
        ByteBuffer.allocate(ConfigSpace.EXTENDED_SIZE).order(ByteOrder.LITTLE_ENDIAN);
    bytes.putInt(0x00, 0x0001f00d).putInt(0x04, 0x00100000).putInt(0x08, 0x08800000);
    bytes.put(0x34, (byte) 0x40).putInt(0x40, 0x00020010).putInt(0x100, 0x00020001);
    return DeviceConfig.readOnly(ConfigSpace.of(bytes.array()));
  }

  @Override
  public void reset() {
    throw new UnsupportedOperationException("A mock device has no reset");
  }

  @Override
  public void close() {
    if (!closed) {
      closed = true;
      for (int pasid : new TreeSet<>(pasids)) {
        detachPasid(new Pasid(pasid));
      }
      kernel.destroy(new HwptId(mock));
      kernel.destroy(parking);
    }
  }
}
