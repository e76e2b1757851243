package io.vpasid.it.contract;

import io.vpasid.pci.PciAddress;
import io.vpasid.vmm.iommufd.BoundDevice;
import io.vpasid.vmm.iommufd.DeviceId;
import io.vpasid.vmm.iommufd.FaultQueue;
import io.vpasid.vmm.iommufd.HwInfo;
import io.vpasid.vmm.iommufd.HwptId;
import io.vpasid.vmm.iommufd.HwptParentId;
import io.vpasid.vmm.iommufd.HwptRequest;
import io.vpasid.vmm.iommufd.Invalidation;
import io.vpasid.vmm.iommufd.IoasId;
import io.vpasid.vmm.iommufd.IommufdBackend;
import io.vpasid.vmm.iommufd.IovaAccess;
import io.vpasid.vmm.iommufd.IovaRanges;
import io.vpasid.vmm.iommufd.ObjectId;
import io.vpasid.vmm.iommufd.VdeviceId;
import io.vpasid.vmm.iommufd.ViommuId;
import java.lang.foreign.MemorySegment;

/// A context of the kernel whose devices are the kernel's mock devices. Everything but binding is
/// the backend under test.
final class MockIommufd implements IommufdBackend {
  private final IommufdBackend kernel;
  private final int fd;

  /// @param fd the context's descriptor
  MockIommufd(IommufdBackend kernel, int fd) {
    this.kernel = kernel;
    this.fd = fd;
  }

  /// Makes a mock device of the kind that the rig has at an address.
  @Override
  public BoundDevice bind(PciAddress address) {
    return MockDevice.make(kernel, fd, address, KernelMockRig.flags(address));
  }

  @Override
  public HwInfo hwInfo(DeviceId device) {
    return kernel.hwInfo(device);
  }

  @Override
  public HwInfo hwInfo(DeviceId device, int dataType) {
    return kernel.hwInfo(device, dataType);
  }

  @Override
  public IoasId ioasAlloc() {
    return kernel.ioasAlloc();
  }

  @Override
  public long map(IoasId ioas, MemorySegment memory, IovaAccess access) {
    return kernel.map(ioas, memory, access);
  }

  @Override
  public void mapAt(IoasId ioas, long iova, MemorySegment memory, IovaAccess access) {
    kernel.mapAt(ioas, iova, memory, access);
  }

  @Override
  public long mapFile(IoasId ioas, int file, long start, long length, IovaAccess access) {
    return kernel.mapFile(ioas, file, start, length, access);
  }

  @Override
  public void mapFileAt(
      IoasId ioas, long iova, int file, long start, long length, IovaAccess access) {
    kernel.mapFileAt(ioas, iova, file, start, length, access);
  }

  @Override
  public long unmap(IoasId ioas, long iova, long length) {
    return kernel.unmap(ioas, iova, length);
  }

  @Override
  public IovaRanges iovaRanges(IoasId ioas) {
    return kernel.iovaRanges(ioas);
  }

  @Override
  public HwptId hwptAlloc(HwptRequest request) {
    return kernel.hwptAlloc(request);
  }

  @Override
  public int invalidate(HwptParentId target, Invalidation invalidation) {
    return kernel.invalidate(target, invalidation);
  }

  @Override
  public void dirtyTracking(HwptId hwpt, boolean enabled) {
    kernel.dirtyTracking(hwpt, enabled);
  }

  @Override
  public ViommuId viommuAlloc(DeviceId device, HwptId nestParent, int type) {
    return kernel.viommuAlloc(device, nestParent, type);
  }

  @Override
  public VdeviceId vdeviceAlloc(ViommuId viommu, DeviceId device, long virtualId) {
    return kernel.vdeviceAlloc(viommu, device, virtualId);
  }

  @Override
  public FaultQueue faultQueueAlloc() {
    return kernel.faultQueueAlloc();
  }

  @Override
  public void destroy(ObjectId id) {
    kernel.destroy(id);
  }

  @Override
  public void close() {
    kernel.close();
  }
}
