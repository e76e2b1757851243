package io.vpasid.vmm.iommufd.kernel;

import io.vpasid.pci.PciAddress;
import io.vpasid.pci.emulation.DeviceConfig;
import io.vpasid.vmm.iommufd.IommufdException;
import io.vpasid.vmm.linux.Errno;
import io.vpasid.vmm.linux.calls.CallFrame;
import io.vpasid.vmm.linux.calls.OwnedFd;
import java.util.Objects;

/// The configuration space of a bound device: region 7, at its place in the device's file.
///
/// Reads and writes are one system call each and allocate nothing. A failing one throws
/// [IommufdException]: EBADF after the device was closed, EIO when it is not there any more.
final class VfioConfig implements DeviceConfig {
  private final OwnedFd device;
  private final PciAddress address;
  private final int size;
  private final long start;

  /// @param size of the region in bytes, 256 or 4096
  /// @param start of the region in the file
  VfioConfig(OwnedFd device, PciAddress address, int size, long start) {
    this.device = device;
    this.address = address;
    this.size = size;
    this.start = start;
  }

  @Override
  public int size() {
    return size;
  }

  @Override
  public int read(int offset, int width) {
    CallFrame frame = CallFrame.current();
    int result = device.pread(frame, checked(offset, width), start + offset);
    if (result != width) {
      throw failure("pread", offset, width, result);
    }
    return frame.register(width);
  }

  @Override
  public void write(int offset, int width, int value) {
    CallFrame frame = CallFrame.current();
    frame.setRegister(checked(offset, width), value);
    int result = device.pwrite(frame, width, start + offset);
    if (result != width) {
      throw failure("pwrite", offset, width, result);
    }
  }

  private int checked(int offset, int width) {
    Objects.checkFromIndexSize(offset, width, size);
    if (width != 1 && width != 2 && width != 4) {
      throw new IllegalArgumentException("Registers have 1, 2 or 4 bytes, not " + width);
    }
    return width;
  }

  private IommufdException failure(String call, int offset, int width, int result) {
    return new IommufdException(
        result < 0 ? new Errno(-result) : Errno.EIO,
        call,
        "device %s, configuration space at 0x%s, %s bytes"
            .formatted(address, Integer.toHexString(offset), width));
  }
}
