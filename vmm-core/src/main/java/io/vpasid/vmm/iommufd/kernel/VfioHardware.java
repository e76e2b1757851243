package io.vpasid.vmm.iommufd.kernel;

import io.vpasid.pci.PciAddress;
import io.vpasid.vmm.iommufd.DeviceHardware;
import io.vpasid.vmm.iommufd.DeviceIrq;
import io.vpasid.vmm.iommufd.DeviceRegion;
import io.vpasid.vmm.iommufd.IommufdException;
import io.vpasid.vmm.linux.Errno;
import io.vpasid.vmm.linux.calls.CallFrame;
import io.vpasid.vmm.linux.calls.OwnedFd;
import io.vpasid.vmm.linux.calls.VfioUapi;
import io.vpasid.vmm.linux.calls.VfioUapi.IrqInfo;
import io.vpasid.vmm.linux.calls.VfioUapi.IrqSet;
import io.vpasid.vmm.linux.calls.VfioUapi.RegionInfo;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/// Regions and interrupts of a bound device, at their places in its file.
final class VfioHardware implements DeviceHardware {
  private final OwnedFd file;
  private final PciAddress address;
  private final List<DeviceRegion> regions = new ArrayList<>();
  private final List<DeviceIrq> irqs = new ArrayList<>();

  /// Where each region begins in the file.
  private final long[] starts = new long[VfioUapi.REGIONS];

  VfioHardware(OwnedFd file, PciAddress address) {
    this.file = file;
    this.address = address;
    for (int index = 0; index < VfioUapi.REGIONS; index++) {
      regions.add(findRegion(index));
    }
    for (int index = 0; index < VfioUapi.IRQS; index++) {
      irqs.add(findIrq(index));
    }
  }

  /// A region that the function does not have is EINVAL for some indices, and empty for others.
  private DeviceRegion findRegion(int index) {
    CallFrame frame = RegionInfo.REQUEST.frame().set(RegionInfo.INDEX, index);
    int result = file.ioctl(RegionInfo.REQUEST, frame);
    if (result == -Errno.EINVAL.number()) {
      return DeviceRegion.NONE;
    }
    check(result, RegionInfo.REQUEST.name(), "region " + index);
    starts[index] = frame.get(RegionInfo.OFFSET);
    long flags = frame.get(RegionInfo.FLAGS);
    return new DeviceRegion(
        frame.get(RegionInfo.SIZE),
        (flags & VfioUapi.REGION_FLAG_READ) != 0,
        (flags & VfioUapi.REGION_FLAG_WRITE) != 0);
  }

  private DeviceIrq findIrq(int index) {
    CallFrame frame = IrqInfo.REQUEST.frame().set(IrqInfo.INDEX, index);
    int result = file.ioctl(IrqInfo.REQUEST, frame);
    if (result == -Errno.EINVAL.number()) {
      return DeviceIrq.NONE;
    }
    check(result, IrqInfo.REQUEST.name(), "interrupt type " + index);
    return new DeviceIrq(frame.getInt(IrqInfo.COUNT), frame.getInt(IrqInfo.FLAGS));
  }

  @Override
  public List<DeviceRegion> regions() {
    return List.copyOf(regions);
  }

  @Override
  public List<DeviceIrq> irqs() {
    return List.copyOf(irqs);
  }

  @Override
  public void read(int region, long offset, ByteBuffer destination) {
    CallFrame frame = CallFrame.current();
    long at = offset;
    while (destination.hasRemaining()) {
      int width = DeviceHardware.accessWidth(at, destination.remaining());
      int result = file.pread(frame, width, starts[region] + at);
      checkWhole(result, width, "pread", region, at);
      int value = frame.register(width);
      switch (width) {
        case 4 -> destination.putInt(value);
        case 2 -> destination.putShort((short) value);
        default -> destination.put((byte) value);
      }
      at += width;
    }
  }

  @Override
  public void write(int region, long offset, ByteBuffer source) {
    CallFrame frame = CallFrame.current();
    long at = offset;
    while (source.hasRemaining()) {
      int width = DeviceHardware.accessWidth(at, source.remaining());
      frame.setRegister(
          width,
          switch (width) {
            case 4 -> source.getInt();
            case 2 -> source.getShort();
            default -> source.get();
          });
      int result = file.pwrite(frame, width, starts[region] + at);
      checkWhole(result, width, "pwrite", region, at);
      at += width;
    }
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
          "device "
              + address
              + ", region "
              + region
              + " at 0x"
              + Long.toHexString(offset)
              + ", "
              + width
              + " bytes");
    }
  }
}
