package io.vpasid.vmm.iommufd.kernel;

import io.vpasid.pci.ConfigSpace;
import io.vpasid.pci.PciAddress;
import io.vpasid.pci.emulation.DeviceConfig;
import io.vpasid.vmm.iommufd.BoundDevice;
import io.vpasid.vmm.iommufd.DeviceId;
import io.vpasid.vmm.iommufd.HwInfo;
import io.vpasid.vmm.iommufd.IommufdException;
import io.vpasid.vmm.iommufd.PageTableId;
import io.vpasid.vmm.iommufd.Pasid;
import io.vpasid.vmm.linux.Errno;
import io.vpasid.vmm.linux.calls.CallFrame;
import io.vpasid.vmm.linux.calls.OwnedFd;
import io.vpasid.vmm.linux.calls.VfioUapi;
import io.vpasid.vmm.linux.calls.VfioUapi.AttachPt;
import io.vpasid.vmm.linux.calls.VfioUapi.DetachPt;
import io.vpasid.vmm.linux.calls.VfioUapi.RegionInfo;
import io.vpasid.vmm.vfio.DeviceHardware;
import io.vpasid.vmm.vfio.DeviceInfo;
import io.vpasid.vmm.vfio.PciIndex;
import java.util.Optional;

/// An open `/dev/vfio/devices/vfioN` that is bound to a context.
///
/// Closing is one `close`: the kernel detaches what is attached, in the order of the PASIDs, and
/// gives the function back. Nothing is left to do here, so it cannot be done wrong.
final class VfioDevice implements BoundDevice {
  private static final System.Logger LOG = System.getLogger(VfioDevice.class.getName());

  private final KernelIommufd context;
  private final OwnedFd file;
  private final PciAddress address;
  private final DeviceId id;
  private final DeviceConfig config;
  private final PasidDialect dialect;

  /// Takes over a file that is bound; the caller closes it if this throws.
  VfioDevice(KernelIommufd context, OwnedFd file, PciAddress address, DeviceId id) {
    this.context = context;
    this.file = file;
    this.address = address;
    this.id = id;
    this.dialect = PasidDialect.ask(file);
    this.config = findConfig();
  }

  private DeviceConfig findConfig() {
    CallFrame frame = RegionInfo.REQUEST.frame().set(RegionInfo.INDEX, PciIndex.CONFIG_REGION);
    int result = file.ioctl(RegionInfo.REQUEST, frame);
    if (result < 0) {
      throw failure(result, RegionInfo.REQUEST.name(), describe() + ", configuration space");
    }
    long size = frame.get(RegionInfo.SIZE);
    if (size != ConfigSpace.STANDARD_SIZE && size != ConfigSpace.EXTENDED_SIZE) {
      throw new IommufdException(
          Errno.ENODEV,
          RegionInfo.REQUEST.name(),
          describe() + ", whose configuration space has " + size + " bytes");
    }
    return new VfioConfig(file, address, (int) size, frame.get(RegionInfo.OFFSET));
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
    HwInfo told = context.hwInfo(id);
    if (dialect != PasidDialect.NONE || told.maxPasidLog2() == 0) {
      return told;
    }
    LOG.log(
        System.Logger.Level.WARNING,
        "The host has PASIDs of {0} bits for {1}, but the VFIO of its kernel attaches none: that needs"
            + " Linux 6.15 or newer.",
        told.maxPasidLog2(),
        address);
    return new HwInfo(0, told.capabilities(), told.data());
  }

  @Override
  public DeviceInfo info() {
    CallFrame frame = VfioUapi.DeviceInfo.REQUEST.frame();
    int result = file.ioctl(VfioUapi.DeviceInfo.REQUEST, frame);
    if (result < 0) {
      throw failure(result, VfioUapi.DeviceInfo.REQUEST.name(), describe());
    }
    long flags = frame.get(VfioUapi.DeviceInfo.FLAGS);
    return new DeviceInfo(
        (flags & VfioUapi.DEVICE_FLAGS_PCI) != 0,
        (flags & VfioUapi.DEVICE_FLAGS_RESET) != 0,
        frame.getInt(VfioUapi.DeviceInfo.NUM_REGIONS),
        frame.getInt(VfioUapi.DeviceInfo.NUM_IRQS));
  }

  @Override
  public DeviceConfig config() {
    return config;
  }

  @Override
  public Optional<DeviceHardware> hardware() {
    return Optional.of(new VfioHardware(file, address));
  }

  @Override
  public PageTableId attach(PageTableId pageTable) {
    CallFrame frame = AttachPt.REQUEST.frame().set(AttachPt.PT_ID, pageTable.value());
    int result = file.ioctl(AttachPt.REQUEST, frame);
    if (result < 0) {
      throw failure(result, AttachPt.REQUEST.name(), describe() + ", " + pageTable);
    }
    return PasidDialect.chosen(pageTable, frame.getInt(AttachPt.PT_ID));
  }

  @Override
  public void detach() {
    int result = file.ioctl(DetachPt.REQUEST, DetachPt.REQUEST.frame());
    if (result < 0) {
      throw failure(result, DetachPt.REQUEST.name(), describe());
    }
  }

  @Override
  public PageTableId attachPasid(Pasid pasid, PageTableId pageTable) {
    int result = dialect.attach(file, pasid, pageTable);
    if (result < 0) {
      throw failure(
          result, dialect.attachRequest(), describe() + ", PASID " + pasid + ", " + pageTable);
    }
    return PasidDialect.chosen(pageTable, result);
  }

  @Override
  public void detachPasid(Pasid pasid) {
    int result = dialect.detach(file, pasid);
    if (result < 0) {
      throw failure(result, dialect.detachRequest(), describe() + ", PASID " + pasid);
    }
  }

  @Override
  public void reset() {
    int result = file.ioctl(VfioUapi.RESET);
    if (result < 0) {
      throw failure(result, "VFIO_DEVICE_RESET", describe());
    }
  }

  @Override
  public void close() {
    file.close();
  }

  private String describe() {
    return "device " + address;
  }

  private static IommufdException failure(int result, String request, String arguments) {
    return new IommufdException(new Errno(-result), request, arguments);
  }
}
