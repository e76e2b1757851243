package io.vpasid.vmm.iommufd.kernel;

import io.vpasid.pci.PciAddress;
import io.vpasid.vmm.iommufd.IommufdException;
import io.vpasid.vmm.linux.Errno;
import io.vpasid.vmm.linux.calls.CallFrame;
import io.vpasid.vmm.linux.calls.OwnedFd;
import io.vpasid.vmm.linux.calls.VfioUapi.IrqInfo;
import io.vpasid.vmm.linux.calls.VfioUapi.IrqSet;
import io.vpasid.vmm.linux.calls.VfioUapi.RegionInfo;
import io.vpasid.vmm.vfio.DeviceHardware;
import io.vpasid.vmm.vfio.Irq;
import io.vpasid.vmm.vfio.PciIndex;
import io.vpasid.vmm.vfio.Region;
import io.vpasid.vmm.vfio.RegisterAccess;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/// Regions and interrupts of a bound device, at their places in its file.
final class VfioHardware implements DeviceHardware {
  private final OwnedFd file;
  private final PciAddress address;
  private final List<Region> regions = new ArrayList<>();
  private final List<Irq> irqs = new ArrayList<>();

  /// The offset in the file at which each region begins.
  private final long[] starts = new long[PciIndex.REGIONS];

  VfioHardware(OwnedFd file, PciAddress address) {
    this.file = file;
    this.address = address;
    for (int index = 0; index < PciIndex.REGIONS; index++) {
      regions.add(findRegion(index));
    }
    for (int index = 0; index < PciIndex.IRQS; index++) {
      irqs.add(findIrq(index));
    }
  }

  /// A region that the function does not have is EINVAL for some indices, and empty for others.
  private Region findRegion(int index) {
    CallFrame frame = RegionInfo.REQUEST.frame().set(RegionInfo.INDEX, index);
    int result = file.ioctl(RegionInfo.REQUEST, frame);
    if (result == -Errno.EINVAL.number()) {
      return Region.NONE;
    }
    check(result, RegionInfo.REQUEST.name(), "region " + index);
    starts[index] = frame.get(RegionInfo.OFFSET);
    long size = frame.get(RegionInfo.SIZE);
    int flags = frame.getInt(RegionInfo.FLAGS) & (Region.READ | Region.WRITE);
    return size == 0 ? Region.NONE : new Region(size, flags);
  }

  private Irq findIrq(int index) {
    CallFrame frame = IrqInfo.REQUEST.frame().set(IrqInfo.INDEX, index);
    int result = file.ioctl(IrqInfo.REQUEST, frame);
    if (result == -Errno.EINVAL.number()) {
      return Irq.NONE;
    }
    check(result, IrqInfo.REQUEST.name(), "interrupt type " + index);
    int count = frame.getInt(IrqInfo.COUNT);
    return count == 0 ? Irq.NONE : new Irq(count, frame.getInt(IrqInfo.FLAGS) & Irq.FLAGS);
  }

  @Override
  public List<Region> regions() {
    return List.copyOf(regions);
  }

  @Override
  public List<Irq> irqs() {
    return List.copyOf(irqs);
  }

  @Override
  public void read(int region, long offset, ByteBuffer destination) {
    CallFrame frame = CallFrame.current();
    RegisterAccess.read(
        offset,
        destination,
        (at, width) -> {
          int result = file.pread(frame, width, starts[region] + at);
          checkWhole(result, width, "pread", region, at);
          return frame.register(width);
        });
  }

  @Override
  public void write(int region, long offset, ByteBuffer source) {
    CallFrame frame = CallFrame.current();
    RegisterAccess.write(
        offset,
        source,
        (at, width, value) -> {
          frame.setRegister(width, value);
          int result = file.pwrite(frame, width, starts[region] + at);
          checkWhole(result, width, "pwrite", region, at);
        });
  }

  @Override
  public void signalThrough(int irq, int start, int... eventfds) {
    if (eventfds.length > MAX_EVENTFDS) {
      throw new IllegalArgumentException(
          "At most " + MAX_EVENTFDS + " eventfds at a time, not " + eventfds.length);
    }
    CallFrame frame = set(IrqSet.DATA_EVENTFD | IrqSet.ACTION_TRIGGER, irq, start, eventfds.length);
    frame.set(IrqSet.ARGSZ, frame.get(IrqSet.ARGSZ) + 4L * eventfds.length);
    for (int i = 0; i < eventfds.length; i++) {
      frame.set(IrqSet.eventfd(i), eventfds[i]);
    }
    check(file.ioctl(IrqSet.REQUEST, frame), IrqSet.REQUEST.name(), "interrupt type " + irq);
  }

  @Override
  public void mask(int irq, int start, int count, boolean masked) {
    CallFrame frame =
        set(
            IrqSet.DATA_NONE | (masked ? IrqSet.ACTION_MASK : IrqSet.ACTION_UNMASK),
            irq,
            start,
            count);
    check(file.ioctl(IrqSet.REQUEST, frame), IrqSet.REQUEST.name(), "interrupt type " + irq);
  }

  @Override
  public void disable(int irq) {
    CallFrame frame = set(IrqSet.DATA_NONE | IrqSet.ACTION_TRIGGER, irq, 0, 0);
    check(file.ioctl(IrqSet.REQUEST, frame), IrqSet.REQUEST.name(), "interrupt type " + irq);
  }

  private static CallFrame set(int flags, int irq, int start, int count) {
    return IrqSet.REQUEST
        .frame()
        .set(IrqSet.FLAGS, flags)
        .set(IrqSet.INDEX, irq)
        .set(IrqSet.START, start)
        .set(IrqSet.COUNT, count);
  }

  private void check(int result, String request, String what) {
    if (result < 0) {
      throw new IommufdException(new Errno(-result), request, "device " + address + ", " + what);
    }
  }

  private void checkWhole(int result, int width, String call, int region, long offset) {
    if (result != width) {
      throw new IommufdException(
          result < 0 ? new Errno(-result) : Errno.EIO,
          call,
          "device %s, region %s at 0x%s, %s bytes"
              .formatted(address, region, Long.toHexString(offset), width));
    }
  }
}
